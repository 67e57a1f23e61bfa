//! What things are: floor 0 of the house.
//!
//! Names, versions, plans, events and results as plain data. Nothing here decides
//! anything, waits, or reads a clock, a file or the environment.
//!
//! Reading order: [`name`], [`stage`], [`outcome`], [`compose`], [`stack`], [`plan`],
//! [`evidence`], [`event`], [`results`], [`diagnosis`], [`explain`], [`exit`].
#![warn(missing_docs)]
#![warn(clippy::wildcard_enum_match_arm)]

pub mod backup;
pub mod compose;
pub mod diagnosis;
pub mod difference;
pub mod doctor;
pub mod event;
pub mod evidence;
pub mod exit;
pub mod explain;
pub mod host;
pub mod integrity;
pub mod intent;
pub mod marker;
pub mod meter;
pub mod name;
pub mod outcome;
pub mod pack;
pub mod plan;
pub mod results;
pub mod secret;
pub mod stack;
pub mod stage;
pub mod time;
pub mod version;
