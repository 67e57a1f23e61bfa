//! Which key takes what: the keys of a compose file that `docker stack deploy` acts upon.
//!
//! One table drives normalising, merging and flattening, so that a key cannot be read in one
//! way and merged in another.

/// What a key takes, which also decides how two files are merged.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A text; an empty one does not override.
    Text,
    /// A truth value; `false` does not override.
    Flag,
    /// A whole number; 0 does not override.
    Count,
    /// A whole number that overrides even when it is 0.
    CountSet,
    /// A number with a fraction; 0 does not override.
    Ratio,
    /// A number of processors, written as a text; an empty one does not override.
    Cpus,
    /// A duration such as `1m30s`; an empty one does not override.
    Duration,
    /// As `Duration`; 0 is the same as none.
    Period,
    /// A size such as `512m`.
    Size,
    /// A text or a list of texts; lists are joined.
    Texts,
    /// A command, split like a shell does when it is one text; replaced as a whole.
    Words,
    /// A health check's command; lists are joined, which nobody can want.
    Test,
    /// A mapping or a list of `key=value`; merged by key.
    Pairs,
    /// As `Pairs`; a key without value takes that of the app's env.
    Environment,
    /// A mapping or a list of `host:address`.
    Hosts,
    /// Published ports, short or long; merged by published port.
    Ports,
    /// Mounts, short or long; merged by target.
    Mounts,
    /// References to secrets or configs, short or long; merged by source.
    Files,
    /// Networks of a service.
    Attachments,
    /// `ulimits`.
    Limits,
    /// `logging`: options are merged only if the driver is the same.
    Logging,
    /// `external: true` or the old `external: {name: x}`.
    External,
    /// A list that is compared as it is; lists are joined.
    Records,
    /// Anything, compared as it is.
    Whole,
    /// A mapping with these keys.
    Fields(Fields),
    /// The same, or nothing.
    MaybeFields(Fields),
    /// Known, and ignored by `docker stack deploy`.
    Ignored,
}

/// Keys and what they take.
pub(super) type Fields = &'static [(&'static str, Kind)];

/// A service.
pub(super) const SERVICE: Fields = &[
    ("build", Kind::Ignored),
    ("cap_add", Kind::Texts),
    ("cap_drop", Kind::Texts),
    ("cgroup_parent", Kind::Ignored),
    ("cgroupns_mode", Kind::Ignored),
    ("command", Kind::Words),
    ("configs", Kind::Files),
    ("container_name", Kind::Ignored),
    ("credential_spec", Kind::Fields(CREDENTIAL_SPEC)),
    ("depends_on", Kind::Ignored),
    ("deploy", Kind::MaybeFields(DEPLOY)),
    ("devices", Kind::Ignored),
    ("dns", Kind::Texts),
    ("dns_search", Kind::Texts),
    ("domainname", Kind::Ignored),
    ("entrypoint", Kind::Words),
    ("env_file", Kind::Texts),
    ("environment", Kind::Environment),
    ("expose", Kind::Texts),
    ("external_links", Kind::Ignored),
    ("extra_hosts", Kind::Hosts),
    ("healthcheck", Kind::Fields(HEALTHCHECK)),
    ("hostname", Kind::Text),
    ("image", Kind::Text),
    ("init", Kind::Flag),
    ("ipc", Kind::Ignored),
    ("isolation", Kind::Text),
    ("labels", Kind::Pairs),
    ("links", Kind::Ignored),
    ("logging", Kind::Logging),
    ("mac_address", Kind::Ignored),
    ("network_mode", Kind::Ignored),
    ("networks", Kind::Attachments),
    // Accepted and dropped on the way: the CLI looks for it under another name.
    ("oom_score_adj", Kind::Ignored),
    ("pid", Kind::Ignored),
    ("ports", Kind::Ports),
    ("privileged", Kind::Ignored),
    ("read_only", Kind::Flag),
    // Called unsupported, and still used when there is no `deploy.restart_policy`.
    ("restart", Kind::Text),
    ("secrets", Kind::Files),
    ("security_opt", Kind::Ignored),
    ("shm_size", Kind::Ignored),
    ("stdin_open", Kind::Flag),
    ("stop_grace_period", Kind::Duration),
    ("stop_signal", Kind::Text),
    ("sysctls", Kind::Pairs),
    ("tmpfs", Kind::Ignored),
    ("tty", Kind::Flag),
    ("ulimits", Kind::Limits),
    ("user", Kind::Text),
    ("userns_mode", Kind::Ignored),
    ("volumes", Kind::Mounts),
    ("working_dir", Kind::Text),
];

const CREDENTIAL_SPEC: Fields =
    &[("config", Kind::Text), ("file", Kind::Text), ("registry", Kind::Text)];

/// `deploy` of a service.
pub(super) const DEPLOY: Fields = &[
    ("endpoint_mode", Kind::Text),
    ("labels", Kind::Pairs),
    ("mode", Kind::Text),
    ("placement", Kind::Fields(PLACEMENT)),
    ("replicas", Kind::CountSet),
    ("resources", Kind::Fields(RESOURCES)),
    ("restart_policy", Kind::Fields(RESTART_POLICY)),
    ("rollback_config", Kind::Fields(UPDATE_CONFIG)),
    ("update_config", Kind::Fields(UPDATE_CONFIG)),
];

const PLACEMENT: Fields = &[
    ("constraints", Kind::Texts),
    ("max_replicas_per_node", Kind::Count),
    ("preferences", Kind::Records),
];

const RESOURCES: Fields =
    &[("limits", Kind::Fields(RESOURCE_LIST)), ("reservations", Kind::Fields(RESOURCE_LIST))];

const RESOURCE_LIST: Fields = &[
    ("cpus", Kind::Cpus),
    ("generic_resources", Kind::Records),
    ("memory", Kind::Size),
    ("pids", Kind::Count),
];

const RESTART_POLICY: Fields = &[
    ("condition", Kind::Text),
    ("delay", Kind::Duration),
    ("max_attempts", Kind::CountSet),
    ("window", Kind::Duration),
];

const UPDATE_CONFIG: Fields = &[
    ("delay", Kind::Period),
    ("failure_action", Kind::Text),
    ("max_failure_ratio", Kind::Ratio),
    ("monitor", Kind::Period),
    ("order", Kind::Text),
    ("parallelism", Kind::CountSet),
];

const HEALTHCHECK: Fields = &[
    ("disable", Kind::Flag),
    ("interval", Kind::Period),
    ("retries", Kind::CountSet),
    ("start_interval", Kind::Period),
    ("start_period", Kind::Period),
    ("test", Kind::Test),
    ("timeout", Kind::Period),
];

/// A network of a service.
pub(super) const ATTACHMENT: Fields = &[
    ("aliases", Kind::Texts),
    ("driver_opts", Kind::Pairs),
    ("ipv4_address", Kind::Text),
    ("ipv6_address", Kind::Text),
];

/// A published port in the long syntax.
pub(super) const PORT: Fields = &[
    ("mode", Kind::Text),
    ("protocol", Kind::Text),
    ("published", Kind::Count),
    ("target", Kind::Count),
];

/// A mount in the long syntax.
pub(super) const MOUNT: Fields = &[
    ("bind", Kind::Fields(&[("propagation", Kind::Text)])),
    ("cluster", Kind::Ignored),
    ("consistency", Kind::Text),
    ("image", Kind::Fields(&[("subpath", Kind::Text)])),
    ("read_only", Kind::Flag),
    ("source", Kind::Text),
    ("target", Kind::Text),
    ("tmpfs", Kind::Fields(&[("size", Kind::Count)])),
    ("type", Kind::Text),
    ("volume", Kind::Fields(&[("nocopy", Kind::Flag), ("subpath", Kind::Text)])),
];

/// A reference to a secret or config in the long syntax.
pub(super) const FILE: Fields = &[
    ("gid", Kind::Text),
    ("mode", Kind::CountSet),
    ("source", Kind::Text),
    ("target", Kind::Text),
    ("uid", Kind::Text),
];

/// A top-level volume.
pub(super) const VOLUME: Fields = &[
    ("driver", Kind::Text),
    ("driver_opts", Kind::Pairs),
    ("external", Kind::External),
    ("labels", Kind::Pairs),
    ("name", Kind::Text),
];

/// A top-level network.
pub(super) const NETWORK: Fields = &[
    ("attachable", Kind::Flag),
    ("driver", Kind::Text),
    ("driver_opts", Kind::Pairs),
    ("external", Kind::External),
    ("internal", Kind::Flag),
    ("ipam", Kind::Whole),
    ("labels", Kind::Pairs),
    ("name", Kind::Text),
];

/// A top-level secret or config.
pub(super) const FILE_OBJECT: Fields = &[
    ("driver", Kind::Text),
    ("driver_opts", Kind::Pairs),
    ("external", Kind::External),
    ("file", Kind::Text),
    ("labels", Kind::Pairs),
    ("name", Kind::Text),
    ("template_driver", Kind::Text),
];

/// What `key` takes among `fields`.
pub(super) fn kind_of(fields: Fields, key: &str) -> Option<Kind> {
    fields.iter().find(|(name, _)| *name == key).map(|(_, kind)| *kind)
}
