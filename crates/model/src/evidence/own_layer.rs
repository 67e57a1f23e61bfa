//! What a container holds outside every mount.

use serde::{Deserialize, Serialize};

/// Files in a container's own layer that its image did not bring: gone with the next task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OwnLayer {
    /// The service.
    pub service: String,
    /// Files that are not empty, by path; at most twenty paths were looked at.
    pub files: Vec<OwnFile>,
    /// Paths beyond those that were looked at.
    pub more: u64,
}

/// A file in a container's own layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OwnFile {
    /// Its path in the container.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
}
