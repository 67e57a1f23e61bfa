//! Names that would be too long for the engine (ISO-3): refused before anything is created,
//! because the engine refuses half-way and leaves a network behind (measured, Engine 20.10).

use cc_ci_model::compose::DeclaredStack;
use cc_ci_model::name::StackName;

/// The longest `<stack>_<secret>_<version>` or config name.
pub const LONGEST_SECRET: usize = 64;

/// The longest `<stack>_<service>` or `<stack>_<network>`.
pub const LONGEST_SERVICE: usize = 63;

/// The longest name of a volume: it is the name of a folder.
pub const LONGEST_VOLUME: usize = 255;

/// Every name that is too long, with its limit.
pub fn too_long(stack: &StackName, declared: &DeclaredStack) -> Vec<String> {
    let services = declared.services.iter().map(|s| ("service", format!("{stack}_{}", s.name)));
    let networks = declared
        .networks
        .iter()
        .filter(|network| !network.external)
        .map(|network| ("network", network.object.clone()));
    let secrets = declared.secrets.iter().map(|secret| ("secret", secret.object.clone()));
    let configs = declared.configs.iter().map(|config| ("config", config.object.clone()));
    let volumes = declared
        .volumes
        .iter()
        .filter(|volume| !volume.external)
        .map(|volume| ("volume", volume.object.clone(), LONGEST_VOLUME));
    let limited = services.chain(networks).map(|(kind, name)| (kind, name, LONGEST_SERVICE));
    let limited =
        limited.chain(secrets.chain(configs).map(|(kind, name)| (kind, name, LONGEST_SECRET)));
    limited
        .chain(volumes)
        .filter(|(_, name, limit)| name.len() > *limit)
        .map(|(kind, name, limit)| {
            format!("{kind} name `{name}` has {} characters, {limit} are allowed", name.len())
        })
        .collect()
}
