//! Results as things people read: floor 2 of the house, pure.
//!
//! Every function here turns a run's results (or the state so far) into text. Nothing is read,
//! written or decided: what a line says stands in the results already.
//!
//! Reading order: [`terminal`], [`markdown`], [`json`], [`plan`], [`progress`], [`doctor`].
//!
//! Adding a field to the results: show it in `terminal` or say there why not, then in `markdown`,
//! then in `samples`, whose reports the tests compare as a whole.
#![warn(missing_docs)]
#![warn(clippy::wildcard_enum_match_arm)]

pub mod closer;
pub mod diagnosis;
pub mod doctor;
pub mod explain;
pub mod json;
pub mod live;
pub mod markdown;
pub mod plan;
pub mod progress;
pub mod terminal;

mod upgrade;
mod view;
mod words;

#[cfg(test)]
mod samples;
