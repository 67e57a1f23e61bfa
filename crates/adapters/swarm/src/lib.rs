//! The one door to the Docker Engine API: floor 2 of the house.
//!
//! Gives facts about stacks and has single effects on objects; it never decides. Types of
//! `bollard` do not leave this crate.
//!
//! Reading order: [`Swarm`], then the modules `watch` and `feed` (how a stack is watched),
//! `services`, `tasks`, `containers` and `template` (how it is read), `images`, `inventory`,
//! `effects`, `files` and `doctor`. Tests: in the files, and against a real engine in `tests/it/main.rs`.
#![warn(missing_docs)]

mod client;
mod containers;
mod credentials;
mod doctor;
mod effects;
mod error;
mod exec;
mod feed;
mod files;
mod images;
mod inventory;
mod logs;
mod raw;
mod reference;
mod restart;
mod services;
mod tar;
mod tasks;
mod template;
mod view;
mod watch;

pub use client::Swarm;
pub use credentials::Credentials;
