//! `[[marker]]` of a pack (STG-9): which keys there are depends on the kind.

use serde::{Deserialize, Serialize};

use crate::marker::{HttpStep, Login, MarkerKind};
use crate::name::ComposeName;

/// One of `[[marker]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct PackMarker {
    /// The service; not of requests, and of a database only where there are several.
    pub service: Option<ComposeName>,
    /// What it is planted in, and how.
    #[serde(flatten)]
    pub kind: MarkerKind,
}

impl schemars::JsonSchema for PackMarker {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PackMarker".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Fields::json_schema(generator)
    }
}

/// One of `[[marker]]`: data planted to prove that data survives.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// What it is planted in.
    kind: Kind,
    /// The service; not of `http`, and of a database only where several are of that kind.
    service: Option<ComposeName>,
    /// This database only (`postgres`, `mysql`); otherwise the one the server was made with, and
    /// each that has tables.
    database: Option<String>,
    /// As this user (`postgres`, `mysql`, `redis`); otherwise as the image's variables say.
    user: Option<String>,
    /// With the password in this file of the container (`postgres`, `mysql`, `redis`).
    password_file: Option<String>,
    /// The file (`sqlite`), in the container.
    path: Option<String>,
    /// Plants `$CCCI_MARKER` (a command: `exec`) or `{marker}` (a request: `http`).
    plant: Option<Step>,
    /// Tells the value that is there.
    check: Option<Step>,
    /// Takes the value away, or puts another one in its place.
    disturb: Option<Step>,
}

/// What a marker can be planted in.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// A PostgreSQL server.
    Postgres,
    /// A `MySQL` or `MariaDB` server.
    Mysql,
    /// A Redis server, or one that speaks its language.
    Redis,
    /// A file of `SQLite`.
    Sqlite,
    /// Whatever commands in the service's container do.
    Exec,
    /// Whatever requests to the app do.
    Http,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Postgres => "postgres",
            Kind::Mysql => "mysql",
            Kind::Redis => "redis",
            Kind::Sqlite => "sqlite",
            Kind::Exec => "exec",
            Kind::Http => "http",
        }
    }

    fn keys(self) -> &'static [&'static str] {
        match self {
            Kind::Postgres | Kind::Mysql => &["service", "database", "user", "password_file"],
            Kind::Redis => &["service", "user", "password_file"],
            Kind::Sqlite => &["service", "path"],
            Kind::Exec => &["service", "plant", "check", "disturb"],
            Kind::Http => &["plant", "check", "disturb"],
        }
    }
}

/// A command, or a request.
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
enum Step {
    /// For `sh -c`.
    Command(String),
    /// To the app.
    Request(HttpStep),
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Step;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a command, or a request such as { path = \"/x\" }")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Step, E> {
                Ok(Step::Command(text.to_owned()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Step, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                HttpStep::deserialize(map).map(Step::Request)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl TryFrom<Fields> for PackMarker {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        refuse_foreign(&fields)?;
        let Fields { kind, service, database, user, password_file, .. } = fields;
        if let Some(name) = &database
            && !is_plain(name)
        {
            return Err(format!(
                "`database = \"{name}\"`: letters, digits, `_`, `-` and `.` are possible"
            ));
        }
        let login = Login { database, user, password_file };
        let needed = |key: &str| format!("a marker of kind `{}` needs `{key}`", kind.as_str());
        if service.is_none() && matches!(kind, Kind::Sqlite | Kind::Exec) {
            return Err(needed("service"));
        }
        let steps = (fields.plant, fields.check, fields.disturb);
        let kind = match kind {
            Kind::Postgres => MarkerKind::Postgres(login),
            Kind::Mysql => MarkerKind::Mysql(login),
            Kind::Redis => MarkerKind::Redis(login),
            Kind::Sqlite => MarkerKind::Sqlite { path: fields.path.ok_or_else(|| needed("path"))? },
            Kind::Exec => MarkerKind::Exec {
                plant: command("plant", steps.0)?,
                check: command("check", steps.1)?,
                disturb: command("disturb", steps.2)?,
            },
            Kind::Http => MarkerKind::Http {
                plant: request("plant", steps.0)?,
                check: request("check", steps.1)?,
                disturb: request("disturb", steps.2)?,
            },
        };
        Ok(Self { service, kind })
    }
}

/// A key of another kind of marker would be silently without effect.
fn refuse_foreign(fields: &Fields) -> Result<(), String> {
    let given = [
        ("service", fields.service.is_some()),
        ("database", fields.database.is_some()),
        ("user", fields.user.is_some()),
        ("password_file", fields.password_file.is_some()),
        ("path", fields.path.is_some()),
        ("plant", fields.plant.is_some()),
        ("check", fields.check.is_some()),
        ("disturb", fields.disturb.is_some()),
    ];
    let keys = fields.kind.keys();
    match given.iter().find(|(key, is_given)| *is_given && !keys.contains(key)) {
        None => Ok(()),
        Some((key, _)) => Err(format!(
            "`{key}` is no key of a marker of kind `{}`; it has {}",
            fields.kind.as_str(),
            keys.join(", ")
        )),
    }
}

fn command(key: &str, step: Option<Step>) -> Result<String, String> {
    match step {
        Some(Step::Command(command)) => Ok(command),
        Some(Step::Request(_)) => Err(format!("`{key}` of a marker of kind `exec` is a command")),
        None => Err(format!("a marker of kind `exec` needs `{key}`")),
    }
}

fn request(key: &str, step: Option<Step>) -> Result<Box<HttpStep>, String> {
    match step {
        Some(Step::Request(request)) => Ok(Box::new(request)),
        Some(Step::Command(_)) => {
            Err(format!("`{key}` of a marker of kind `http` is a request: {{ path = \"/x\" }}"))
        }
        None => Err(format!("a marker of kind `http` needs `{key}`")),
    }
}

/// It can stand in a statement as it is.
fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !name.is_empty() && name.chars().all(is_plain)
}
