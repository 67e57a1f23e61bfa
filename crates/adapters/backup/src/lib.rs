//! The files of volumes on this host, and snapshots of them: floor 2 of the house.
//!
//! A volume belongs to its containers, whose processes may be root and may change anything in it
//! at any moment. So nothing here trusts a path twice: what is found is held by its descriptor,
//! and no link leads out of a volume. What a backup has to hold, and when it is good, is decided
//! in `core`; commands inside containers are the swarm adapter's.
//!
//! Reading order: [`HostVolumes`], [`RusticSnapshots`]. Tests: `tests/it/main.rs`, which want to be
//! root where owners are concerned.
#![warn(missing_docs)]

mod content;
mod inode;
mod node;
mod paths;
mod replace;
mod repository;
mod restore;
mod snapshots;
mod source;
mod stop;
mod take;
mod trail;
mod volumes;
mod walk;

pub use snapshots::RusticSnapshots;
pub use volumes::HostVolumes;
