//! Builders of the plain data that tests are about.

mod data;
pub mod evidence;
pub mod facts;
pub mod log;
pub mod plan;
mod seen;
pub mod stack;
mod yaml;
