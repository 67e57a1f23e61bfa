//! Chores that write files and run git, on the fixtures as they are.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests run git and write files in folders of their own"
)]

mod fixtures;
mod mutations;
mod reference;
mod schema;
