//! Compose files as the docker CLI reads them for `docker stack deploy`.
//!
//! Reading order: [`read`](read::read) is the whole way from texts to a
//! [`DeclaredStack`](cc_ci_model::compose::DeclaredStack); on it lie `parse` (YAML to a tree
//! whose nodes know their place), `interpolate` (`${…}`), `shape` (which key takes what),
//! `normal` (one form for every short and long syntax), `merge` (several files), and `facts`.
//!
//! The docker CLI is the judge of what is valid; this reader must never misread what it
//! accepts. Its surprises are kept, and said as warnings. Checked against docker CLI 28.2.2;
//! where older ones differ the doc comments say so.

mod environment;
mod facts;
mod interpolate;
mod mapping;
mod merge;
mod normal;
mod parse;
mod read;
mod scalar;
mod shape;
mod syntax;
mod template;
#[cfg(test)]
mod tests;
mod timestamp;
mod tree;

pub use interpolate::VariableUse;
pub(crate) use interpolate::is_reserved;
pub use merge::lost_ports;
pub use read::{ComposeText, ReadCompose, read};
