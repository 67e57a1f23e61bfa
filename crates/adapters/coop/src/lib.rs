//! Co-op Cloud's side of the world: recipes as git repositories, and what deploys them.
//!
//! Both work by running programs (git, the docker CLI) through the `Commands` port, with an
//! environment of their own. What the files of a recipe mean is decided in `core`.
//!
//! Tests: `tests/it/` of this crate, against real git repositories.

mod git;
mod native;
mod origin;
mod recipes;
mod working_copy;

pub use native::NativeDeployer;
pub use recipes::GitRecipes;
