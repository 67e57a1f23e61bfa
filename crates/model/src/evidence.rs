//! What was seen, never what it means: the payload of the events that end an act.
//!
//! Whether a piece of evidence is good is decided by `core`, again and again, from the log.

use serde::{Deserialize, Serialize};

use crate::backup::{
    BackupSeen, HookSeen, KeptMarker, PathWeight, RestoreSeen, SnapshotSeen, TestSeen,
};
use crate::diagnosis::ExamineSeen;
use crate::integrity::{UndeploySeen, VerifySeen};
use crate::intent::Object;
use crate::marker::DataSeen;
use crate::meter::MeterSeen;
use crate::plan::Revision;
use crate::stack::{ServiceFacts, StackFacts};
use crate::time::Timestamp;

mod own_layer;

pub use own_layer::{OwnFile, OwnLayer};

/// One thing a run does between two looks at its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Make the images of a revision present.
    EnsureImages {
        /// Which.
        revision: Revision,
    },
    /// Submit a revision to the Swarm.
    Deploy {
        /// Which.
        revision: Revision,
    },
    /// Wait until the stack has converged.
    Converge,
    /// Wait until the app answers.
    Answer,
    /// End the measurement that began with the submission of the head.
    Meter,
    /// Look at the front page.
    Inspect,
    /// Plant a marker in every named volume of the base, and read it back.
    Plant,
    /// Look for the markers through the mounts of the tasks that run now.
    Seek,
    /// Put a fresh nonce into every volume, after a look at what is there.
    Mark,
    /// Take a backup, hooks included.
    Backup,
    /// Look into the snapshot.
    ReadSnapshot,
    /// Run the pack's own command that says whether the backup is good.
    Verify,
    /// Undeploy the app and delete its volumes; its secrets stay.
    Undeploy,
    /// Make the loss real: change what was planted, or see that it went with its volumes.
    Disturb,
    /// Put the snapshot back, hooks included.
    Restore,
    /// Restart every service once: files restored under a live process prove nothing.
    Restart,
    /// Look whether what was planted is back, with owner, mode and attributes.
    Recall,
    /// Run the pack's tests.
    Test,
    /// Gather what may tell why an act before it did not go well.
    Examine,
    /// Take the stage's closing look at the stack.
    Observe,
    /// Remove the app.
    Dismantle,
}

impl Act {
    /// The revision it makes images present for, or submits.
    pub fn revision(self) -> Option<Revision> {
        if let Act::EnsureImages { revision } | Act::Deploy { revision } = self {
            return Some(revision);
        }
        None
    }

    /// The name in published formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Act::EnsureImages { .. } => "images",
            Act::Deploy { .. } => "deploy",
            Act::Converge => "converge",
            Act::Answer => "answer",
            Act::Meter => "availability",
            Act::Inspect => "front_page",
            Act::Plant => "plant",
            Act::Seek => "markers",
            Act::Mark => "mark",
            Act::Backup => "backup",
            Act::ReadSnapshot => "snapshot",
            Act::Verify => "verify",
            Act::Undeploy => "undeploy",
            Act::Disturb => "loss",
            Act::Restore => "restore",
            Act::Restart => "restart",
            Act::Recall => "data_back",
            Act::Test => "tests",
            Act::Examine => "examine",
            Act::Observe => "observe",
            Act::Dismantle => "dismantle",
        }
    }
}

/// What an act saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "evidence", rename_all = "snake_case")]
pub enum Evidence {
    /// Of [`Act::EnsureImages`].
    Images {
        /// One for each service.
        images: Vec<ImageSeen>,
    },
    /// Of [`Act::Deploy`].
    Deployed(DeploySeen),
    /// Of [`Act::Converge`].
    Settled(SettleSeen),
    /// Of [`Act::Answer`].
    Answered(AnswerSeen),
    /// Of [`Act::Meter`].
    Metered {
        /// `None` when not one sample was taken.
        seen: Option<MeterSeen>,
    },
    /// Of [`Act::Inspect`].
    Page(PageSeen),
    /// Of [`Act::Plant`]: what was read back right after.
    Planted {
        /// One for each planned marker.
        markers: Vec<MarkerSeen>,
        /// Values in databases and the like.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<DataSeen>,
    },
    /// Of [`Act::Seek`].
    Sought {
        /// One for each planted marker.
        markers: Vec<MarkerSeen>,
        /// Values in databases and the like.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<DataSeen>,
    },
    /// Of [`Act::Mark`].
    Marked {
        /// What was in each backed-up path before.
        before: Vec<PathWeight>,
        /// One for each volume, read back.
        markers: Vec<KeptMarker>,
        /// Values in databases and the like.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<DataSeen>,
    },
    /// Of [`Act::Backup`].
    BackedUp(BackupSeen),
    /// Of [`Act::ReadSnapshot`].
    Snapshot(SnapshotSeen),
    /// Of [`Act::Verify`].
    Verified(VerifySeen),
    /// Of [`Act::Undeploy`].
    Undeployed(UndeploySeen),
    /// Of [`Act::Disturb`]: the markers as they are after the loss.
    Disturbed {
        /// One for each marker.
        markers: Vec<KeptMarker>,
        /// Values in databases and the like.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<DataSeen>,
        /// Hooks of a backup that were run again after the loss, without a snapshot: what they
        /// leave behind holds the loss too, and not what was there before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hooks: Vec<HookSeen>,
    },
    /// Of [`Act::Restore`].
    Restored(RestoreSeen),
    /// Of [`Act::Restart`].
    Restarted {
        /// Services that were told to restart.
        services: Vec<String>,
    },
    /// Of [`Act::Recall`]: the markers as they are after the restore.
    Recalled {
        /// One for each marker.
        markers: Vec<KeptMarker>,
        /// Values in databases and the like.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<DataSeen>,
    },
    /// Of [`Act::Test`].
    Tested {
        /// In the order in which they ran.
        tests: Vec<TestSeen>,
    },
    /// Of [`Act::Examine`].
    Examined(ExamineSeen),
    /// Of [`Act::Observe`].
    Observed(ObserveSeen),
    /// Of [`Act::Dismantle`].
    Dismantled {
        /// What is left of the app.
        left: Vec<Object>,
        /// Refusals met on the way.
        refusals: Vec<String>,
    },
}

/// An image of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ImageSeen {
    /// The service that uses it.
    pub service: String,
    /// The reference as rendered.
    pub reference: String,
    /// What was found.
    pub found: ImageFound,
    /// How often it was asked for again, since its registry was busy or broke off.
    #[serde(default)]
    pub retries: u32,
}

/// What was found when an image was asked for (ENG-5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum ImageFound {
    /// It is in the local store.
    Present {
        /// Its id, `sha256:…`.
        id: String,
        /// The registry's digest, when it came from one.
        digest: Option<String>,
        /// Its registry says that it has it.
        asked: bool,
    },
    /// It is in the local store only: the registry says that it does not exist.
    LocalOnly {
        /// Its id, `sha256:…`.
        id: String,
        /// What the registry said.
        message: String,
    },
    /// The registry says it does not exist.
    NotFound {
        /// Its words.
        message: String,
    },
    /// The registry denies it: private, missing, or no login.
    Denied {
        /// Its words.
        message: String,
    },
    /// The registry could not be asked, and the image is not here, or only under a tag that may
    /// mean another one by now.
    Unreachable {
        /// What happened.
        message: String,
    },
}

/// A submission of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeploySeen {
    /// What was submitted.
    pub revision: Revision,
    /// The exit code of `docker stack deploy`; `None` when it had to be ended.
    pub exit_code: Option<i32>,
    /// The end of what it said, both streams.
    pub said: String,
    /// The engine answered as a manager afterwards.
    pub engine_answers: bool,
    /// The services as the engine read them back right afterwards.
    pub services: Vec<ServiceFacts>,
}

/// The end of a wait for convergence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SettleSeen {
    /// The last look.
    pub facts: StackFacts,
    /// When the stack was first seen as in that look, without a change since.
    pub held_since: Timestamp,
    /// When the last look was taken.
    pub looked_at: Timestamp,
    /// The deadline passed.
    pub expired: bool,
    /// The engine answered the last look; otherwise `facts` are older.
    pub engine_answers: bool,
    /// When the engine was away, in order; the first hundred times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absences: Vec<Absence>,
}

/// A time in which the engine was asked and did not answer, of at least a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Absence {
    /// When it was asked.
    pub from: Timestamp,
    /// When it answered again.
    pub until: Timestamp,
}

/// The end of a wait for an answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AnswerSeen {
    /// Requests made.
    pub attempts: u32,
    /// Good answers in a row at the end.
    pub in_a_row: u32,
    /// The last answer.
    pub last: Option<HttpSeen>,
    /// Why the last attempt got none.
    pub problem: Option<String>,
    /// The deadline passed.
    pub expired: bool,
    /// When the engine did not say where the tasks are, in order; the first hundred times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absences: Vec<Absence>,
}

/// One answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HttpSeen {
    /// The address asked, after redirects.
    pub url: String,
    /// The status code.
    pub status: u16,
    /// Redirects followed.
    pub redirects: u32,
    /// `Location`, when it is a redirect that was not followed.
    pub location: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// Bytes of the body.
    pub bytes: u64,
    /// The beginning of the body, as text.
    pub excerpt: String,
}

/// The front page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PageSeen {
    /// The answer, if there was one.
    pub answer: Option<HttpSeen>,
    /// Why there was none.
    pub problem: Option<String>,
    /// The first style sheet or script of its own that it names.
    pub asset: Option<PathSeen>,
    /// A path that can not be there, where the pack asks for it.
    pub unknown: Option<PathSeen>,
}

/// A further path that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PathSeen {
    /// The path.
    pub path: String,
    /// The answer's status, if there was one.
    pub status: Option<u16>,
    /// Why there was none.
    pub problem: Option<String>,
}

/// A marker in a volume, as it was read through a task's mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MarkerSeen {
    /// The volume's compose name.
    pub volume: String,
    /// The nonce that was planted.
    pub nonce: String,
    /// The service through whose task it was read; `None` when no service mounts the volume.
    pub service: Option<String>,
    /// Where it was looked for, in the container.
    pub path: Option<String>,
    /// What was read there.
    pub found: Option<String>,
    /// Why nothing could be read or written.
    pub problem: Option<String>,
}

/// A stage's closing look (CONV-8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ObserveSeen {
    /// The stack; `None` when the engine did not answer.
    pub facts: Option<StackFacts>,
    /// What its containers hold outside every mount, as far as it may be data. Services without
    /// any, and those whose container could not be looked into, are not in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<OwnLayer>,
}
