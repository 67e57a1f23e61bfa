//! Markers beside files (STG-9): data planted where an app keeps its own, in a database, behind
//! a command or a request, and what was seen of it.

use serde::{Deserialize, Serialize};

use crate::name::ComposeName;

/// A marker that is no file in a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DataMarker {
    /// Its name in this plan, e.g. `postgres in db`.
    pub name: String,
    /// The service in whose task it is planted and read.
    pub service: ComposeName,
    /// What it is planted in, and how.
    #[serde(flatten)]
    pub kind: MarkerKind,
    /// Where it comes from: `recipe.toml`, or what it was found by.
    pub why: String,
    /// Named volumes its data lies in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<ComposeName>,
    /// Recipes use such a server as a cache too: one that they leave out of their backups loses
    /// nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_cache: bool,
}

/// What a marker is planted in, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MarkerKind {
    /// A table `ccci_marker` in databases of a PostgreSQL server.
    Postgres(Login),
    /// A table `ccci_marker` in databases of a `MySQL` or `MariaDB` server.
    Mysql(Login),
    /// A key `ccci_marker`.
    Redis(Login),
    /// A table `ccci_marker` in a file.
    Sqlite {
        /// The file, in the container.
        path: String,
    },
    /// Commands in the service's container.
    Exec {
        /// Plants the value of `$CCCI_MARKER`.
        plant: String,
        /// Prints the value that is there.
        check: String,
        /// Takes the value away, or puts `$CCCI_MARKER` in its place.
        disturb: String,
    },
    /// Requests to the service.
    Http {
        /// Plants the value.
        plant: Box<HttpStep>,
        /// Is answered with the value that is there.
        check: Box<HttpStep>,
        /// Takes the value away.
        disturb: Box<HttpStep>,
    },
}

/// Where in a server, and as whom. What is not said is read from the variables that the images
/// know, inside the container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Login {
    /// This database only; otherwise the one the server was made with, and each that has tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// As this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// With the password in this file of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<String>,
}

/// A request. `{marker}` in path and body stands for the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpStep {
    /// `GET` unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path.
    pub path: String,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// `Content-Type` of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// The markers of a plan that are no files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PlannedData {
    /// Of the release that the upgrade starts from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base: Vec<DataMarker>,
    /// Of the head.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub head: Vec<DataMarker>,
}

impl PlannedData {
    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.base.is_empty() && self.head.is_empty()
    }
}

/// A value planted in a database or the like, and what was read there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DataSeen {
    /// The marker's name in the plan.
    pub marker: String,
    /// The database, where a server may have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The value that was planted.
    pub nonce: String,
    /// What was read; `None` when there is no such value, table or database.
    pub found: Option<String>,
    /// Why it could not be planted or read.
    pub problem: Option<String>,
    /// The server is configured to keep nothing on disk: there is nothing to lose.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgets: bool,
}

impl DataSeen {
    /// Whether what was read is what was planted.
    pub fn is_there(&self) -> bool {
        self.problem.is_none() && self.found.as_ref() == Some(&self.nonce)
    }

    /// Whether it is about the same value's place.
    pub fn is_of(&self, other: &DataSeen) -> bool {
        self.marker == other.marker && self.database == other.database
    }
}

/// Whether a planted value is in a snapshot's bytes, in plain or behind a compression that can be
/// looked through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DataInSnapshot {
    /// The marker's name in the plan.
    pub marker: String,
    /// The database, where a server may have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The value looked for.
    pub nonce: String,
    /// It is in the bytes of a file of the snapshot.
    pub found: bool,
}

impl MarkerKind {
    /// The word for it in `recipe.toml`.
    pub fn as_str(&self) -> &'static str {
        match self {
            MarkerKind::Postgres(_) => "postgres",
            MarkerKind::Mysql(_) => "mysql",
            MarkerKind::Redis(_) => "redis",
            MarkerKind::Sqlite { .. } => "sqlite",
            MarkerKind::Exec { .. } => "exec",
            MarkerKind::Http { .. } => "http",
        }
    }
}
