//! Which servers of a stack keep data, and which markers a plan gets.

use cc_ci_model::compose::{DeclaredMount, DeclaredService, DeclaredStack, MountKind, ServiceMode};
use cc_ci_model::marker::{DataMarker, Login, MarkerKind};
use cc_ci_model::name::ComposeName;
use cc_ci_model::pack::PackMarker;

use crate::image_names::{holds_data, is_tool, short_name};

/// Words in the names of images, and where those keep their data (as documented with the official
/// images).
const POSTGRES: [&str; 5] = ["postgres", "postgis", "pgvector", "pgvecto", "timescale"];
const MYSQL: [&str; 3] = ["mariadb", "mysql", "percona"];
const REDIS: [&str; 4] = ["redis", "valkey", "keydb", "dragonfly"];

/// Servers whose data a marker can be planted in, by their images and by where their volumes are.
pub fn found(declared: &DeclaredStack) -> Vec<DataMarker> {
    let services = declared.services.iter();
    services.filter(|service| keeps_running(service)).filter_map(server).collect()
}

fn keeps_running(service: &DeclaredService) -> bool {
    !service.mode.is_job() && service.mode != ServiceMode::Replicated { replicas: 0 }
}

/// A server without any volume has nothing to lose, or loses it all the time: both are said
/// elsewhere.
fn server(service: &DeclaredService) -> Option<DataMarker> {
    let name = short_name(&service.image);
    if is_tool(&name) {
        return None;
    }
    let is_one_of = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let by_image = |kind| Some((kind, format!("found by its image {}", service.image)));
    let at = |path: &str| volumes(service, |mount| holds_data(&mount.target, path));
    let by_mount = |kind, path: &str| {
        let is_there = is_named(service, path);
        is_there.then(|| (kind, format!("found by what it mounts at {path}")))
    };
    let (kind, why) = if is_one_of(&POSTGRES) {
        by_image(MarkerKind::Postgres(Login::default()))
    } else if is_one_of(&MYSQL) {
        by_image(MarkerKind::Mysql(Login::default()))
    } else if is_one_of(&REDIS) {
        by_image(MarkerKind::Redis(Login::default()))
    } else {
        by_mount(MarkerKind::Postgres(Login::default()), "/var/lib/postgresql")
            .or_else(|| by_mount(MarkerKind::Mysql(Login::default()), "/var/lib/mysql"))
    }?;
    let may_be_cache = matches!(kind, MarkerKind::Redis(_));
    let volumes = match &kind {
        MarkerKind::Postgres(_) => at("/var/lib/postgresql"),
        MarkerKind::Mysql(_) => at("/var/lib/mysql"),
        MarkerKind::Redis(_)
        | MarkerKind::Sqlite { .. }
        | MarkerKind::Exec { .. }
        | MarkerKind::Http { .. } => volumes(service, |_| true),
    };
    let has_any = service.mounts.iter().any(|mount| mount.source.is_some() && keeps(mount));
    has_any.then(|| marker(service.name.clone(), kind, why, volumes, may_be_cache))
}

/// A volume at the very place where a server keeps its data: one that is mounted there for
/// something else (a backup service, say) runs no server and is no database by its image.
fn is_named(service: &DeclaredService, path: &str) -> bool {
    let sets = |prefix: &str| service.env_keys.iter().any(|key| key.starts_with(prefix));
    let mounts = service.mounts.iter().any(|mount| {
        let target = mount.target.trim_end_matches('/');
        mount.source.is_some()
            && keeps(mount)
            && !mount.read_only
            && (target == path || target.strip_prefix(path).is_some_and(|rest| rest == "/data"))
    });
    mounts && (sets("POSTGRES_") || sets("MYSQL_") || sets("MARIADB_"))
}

fn keeps(mount: &DeclaredMount) -> bool {
    matches!(mount.kind, MountKind::Volume | MountKind::Bind)
}

fn volumes(service: &DeclaredService, counts: impl Fn(&DeclaredMount) -> bool) -> Vec<ComposeName> {
    let named = service
        .mounts
        .iter()
        .filter(|mount| mount.kind == MountKind::Volume && !mount.read_only && counts(mount));
    named.filter_map(|mount| mount.source.as_deref()?.parse().ok()).collect()
}

fn marker(
    service: ComposeName,
    kind: MarkerKind,
    why: String,
    volumes: Vec<ComposeName>,
    may_be_cache: bool,
) -> DataMarker {
    let name = format!("{} of service {service}", kind.as_str());
    DataMarker { name, service, kind, why, volumes, may_be_cache }
}

/// The markers of a revision: what the pack declares, and what is found beside it. `http` is the
/// service that requests go to.
///
/// # Errors
/// Declared ones that revision has no service for.
pub fn planned(
    declared: &DeclaredStack,
    pack: &[PackMarker],
    http: Option<&ComposeName>,
) -> Result<Vec<DataMarker>, String> {
    let mut markers: Vec<DataMarker> = Vec::new();
    let found = found(declared);
    for own in pack {
        let mut marker = declared_marker(declared, &found, own, http)?;
        let alike = markers.iter().filter(|known| known.name.starts_with(&marker.name)).count();
        if alike > 0 {
            marker.name = format!("{} ({})", marker.name, alike + 1);
        }
        markers.push(marker);
    }
    let is_declared = |one: &DataMarker| {
        let same = |known: &DataMarker| {
            known.service == one.service && known.kind.as_str() == one.kind.as_str()
        };
        markers.iter().any(same)
    };
    let rest: Vec<DataMarker> = found.into_iter().filter(|one| !is_declared(one)).collect();
    markers.extend(rest);
    Ok(markers)
}

fn declared_marker(
    declared: &DeclaredStack,
    found: &[DataMarker],
    own: &PackMarker,
    http: Option<&ComposeName>,
) -> Result<DataMarker, String> {
    let word = own.kind.as_str();
    let mut alike = found.iter().filter(|one| one.kind.as_str() == word);
    let service = match (&own.service, &own.kind) {
        (Some(service), _) => service.clone(),
        (None, MarkerKind::Http { .. }) => http.cloned().ok_or_else(|| {
            "no service answers over HTTP, and a marker of kind `http` needs one".to_owned()
        })?,
        (None, _) => match (alike.next(), alike.next()) {
            (Some(only), None) => only.service.clone(),
            (None, _) => {
                return Err(format!(
                    "no service is known as {word} by its image: say the marker's `service`"
                ));
            }
            (Some(_), Some(_)) => {
                return Err(format!("several services are {word}: say the marker's `service`"));
            }
        },
    };
    let Some(service) = declared.service(service.as_str()) else {
        return Err(format!("there is no service `{service}` for the marker of kind `{word}`"));
    };
    let known = found
        .iter()
        .find(|one| one.service == service.name && one.kind.as_str() == own.kind.as_str());
    let volumes = match known {
        Some(known) => known.volumes.clone(),
        None => volumes(service, |_| true),
    };
    Ok(marker(service.name.clone(), own.kind.clone(), "recipe.toml".to_owned(), volumes, false))
}
