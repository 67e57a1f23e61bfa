//! What a recipe's labels say of its backup, and what was seen of one (backup-bot-two's labels).

use serde::{Deserialize, Serialize};

use crate::integrity::ExpectedSeen;
use crate::marker::DataInSnapshot;
use crate::name::ComposeName;
use crate::time::Timestamp;

/// What the labels of a stack's services say, taken together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BackupSpec {
    /// Services with `backupbot.backup=true`; without any the stack takes no part in backups.
    pub labelled: Vec<ComposeName>,
    /// Volumes that are backed up, wholly or in part.
    pub volumes: Vec<BackedVolume>,
    /// Volumes that are left out, with the label that says so.
    pub excluded: Vec<ExcludedVolume>,
    /// Commands around a backup and a restore.
    pub hooks: Vec<Hook>,
    /// What is wrong with the labels.
    pub problems: Vec<String>,
}

/// A volume that is backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BackedVolume {
    /// Its compose name.
    pub volume: ComposeName,
    /// Paths relative to its root; empty for all of it.
    pub paths: Vec<String>,
}

/// A volume that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ExcludedVolume {
    /// Its compose name.
    pub volume: ComposeName,
    /// The label, or what else leaves it out.
    pub reason: String,
}

/// A command of a label, run in its service's container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Hook {
    /// The service.
    pub service: ComposeName,
    /// When it runs.
    pub when: HookTime,
    /// The command, for a shell.
    pub command: String,
}

/// When a hook runs.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HookTime {
    /// `backupbot.backup.pre-hook`.
    BackupPre,
    /// `backupbot.backup.post-hook`.
    BackupPost,
    /// `backupbot.restore.pre-hook`.
    RestorePre,
    /// `backupbot.restore.post-hook`.
    RestorePost,
}

impl HookTime {
    /// The label.
    pub fn label(self) -> &'static str {
        match self {
            HookTime::BackupPre => "backupbot.backup.pre-hook",
            HookTime::BackupPost => "backupbot.backup.post-hook",
            HookTime::RestorePre => "backupbot.restore.pre-hook",
            HookTime::RestorePost => "backupbot.restore.post-hook",
        }
    }
}

/// A hook that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HookSeen {
    /// The service.
    pub service: String,
    /// When.
    pub when: HookTime,
    /// Its exit code; `None` when it did not end in time or could not be run.
    pub code: Option<i64>,
    /// It was run by `sh`: the image has no `bash`, so a failure inside a pipe goes unseen.
    pub by_sh: bool,
    /// The end of what it said, or why it could not be run.
    pub said: String,
}

/// A marker in a volume of an app that is backed up, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct KeptMarker {
    /// The volume's compose name.
    pub volume: String,
    /// Where in the volume.
    pub path: String,
    /// The value it was given.
    pub nonce: String,
    /// It is in a part of the volume that the labels back up.
    pub backed_up: bool,
    /// The file as it is now; `None` when it is not there.
    pub file: Option<MarkerFile>,
    /// Why it could not be written or read.
    pub problem: Option<String>,
}

/// A marker's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MarkerFile {
    /// Its content.
    pub content: String,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// Extended attributes, `name=hex`; `None` where they can not be read.
    pub xattrs: Option<Vec<String>>,
}

/// What was in a backed-up path before anything of ours was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PathWeight {
    /// The volume's compose name.
    pub volume: String,
    /// The path, relative to its root; empty for all of it.
    pub path: String,
    /// Files in it; `None` when it is not there.
    pub files: Option<u64>,
    /// When the newest of them was written; `None` without any, and where nobody looked. What
    /// docker copied from an image has the time it has there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Timestamp>,
}

/// A backup that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BackupSeen {
    /// Hooks that ran.
    pub hooks: Vec<HookSeen>,
    /// Backed-up paths that were not there when the snapshot was due, as `<volume>/<path>`.
    pub missing: Vec<String>,
    /// The snapshot's id.
    pub snapshot: Option<String>,
    /// Why there is none.
    pub problem: Option<String>,
}

/// What is in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SnapshotSeen {
    /// Its id.
    pub snapshot: String,
    /// Files and bytes of each backed-up path.
    pub paths: Vec<SnapshotPath>,
    /// For each marker whether its nonce is in the snapshot's bytes.
    pub markers: Vec<MarkerInSnapshot>,
    /// The same for values in databases and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<DataInSnapshot>,
    /// Paths the pack expects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<ExpectedSeen>,
}

/// A backed-up path in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SnapshotPath {
    /// The volume's compose name.
    pub volume: String,
    /// The path, relative to its root.
    pub path: String,
    /// Files in the snapshot.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Whether a marker is in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MarkerInSnapshot {
    /// The volume it was planted in.
    pub volume: String,
    /// The value looked for.
    pub nonce: String,
    /// It is in the bytes of a file of the snapshot.
    pub found: bool,
}

/// A restore that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RestoreSeen {
    /// Hooks that ran.
    pub hooks: Vec<HookSeen>,
    /// The snapshot that was put back.
    pub snapshot: String,
    /// The markers as they were right after it, hooks included, before any service was restarted:
    /// an app may give its files another owner or mode whenever it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markers: Vec<KeptMarker>,
    /// Why it could not be.
    pub problem: Option<String>,
}

/// A test that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TestSeen {
    /// Its file, relative to the pack.
    pub name: String,
    /// Its exit code; `None` when a signal or its deadline ended it.
    pub code: Option<i32>,
    /// Its deadline ended it.
    pub expired: bool,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// The end of what it wrote.
    pub said: String,
    /// What its TAP says, if it wrote any.
    pub tap: Option<TapSeen>,
    /// Why it could not be run.
    pub problem: Option<String>,
    /// Why this host can not start it at all: an error in the pack.
    #[serde(default)]
    pub unfit: Option<String>,
}

/// A summary of a Test Anything Protocol stream (version 13 and 14).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TapSeen {
    /// Tests planned; `None` without a plan.
    pub planned: Option<u64>,
    /// `ok` lines that were not skipped.
    pub passed: u64,
    /// `not ok` lines that are no TODO.
    pub failed: u64,
    /// Lines with `# SKIP`.
    pub skipped: u64,
    /// Lines with `# TODO`: they ran, and count for nothing.
    pub todo: u64,
}
