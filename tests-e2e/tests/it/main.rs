//! Real-Swarm tests: the built binary, run as a user runs it, on fixture recipes.
//!
//! What a fault looks like is tested by `cargo xtask catalogue`; here is what takes more than a
//! recipe and a verdict: signals, strangers, registries, git.

mod backup;
mod bad_input;
mod crashes;
mod databases;
mod doctor;
mod images;
mod incidents;
mod messy;
mod packs;
mod ports;
mod private_engine;
mod rungs;
mod sources;
mod strangers;
mod terminal;
mod weather;
