//! What should happen: floor 1 of the house.
//!
//! Decisions as pure functions, parsers of the text we meet, and the traits of the ports the
//! engine acts through. No clock, no file, no network, no environment: time, randomness and
//! facts are arguments.
#![warn(missing_docs)]
#![warn(clippy::wildcard_enum_match_arm)]

pub mod abra_sh;
pub mod app;
pub mod assess;
pub mod assets;
pub mod backup_labels;
pub mod base;
pub mod cleanup;
pub mod compose;
pub mod convergence;
pub mod data_markers;
pub mod diagnosis;
pub mod difference;
pub mod doctor;
pub mod env_file;
pub mod explain;
pub mod flaky;
pub mod gate;
pub mod host_paths;
mod image_names;
pub mod images;
pub mod limits;
pub mod meter;
pub mod next;
pub mod obligations;
pub mod operator_steps;
pub mod outcome;
pub mod overlay;
pub mod own_layer;
pub mod pack;
pub mod planning;
pub mod ports;
pub mod proves;
pub mod redact;
pub mod results;
pub mod schema;
pub mod secret_spec;
pub mod shebang;
pub mod state;
pub mod tap;
pub mod text;
pub mod verdict;
pub mod vips;
