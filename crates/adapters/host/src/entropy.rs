//! Chance.
//!
//! Tests: in `tests/it/contracts.rs`.

use cc_ci_core::ports::Entropy;
use rand::TryRng;
use rand::rngs::SysRng;

/// The kernel's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    /// When the kernel has no random numbers: nothing that needs them could go on.
    fn fill(&self, bytes: &mut [u8]) {
        SysRng.try_fill_bytes(bytes).expect("the kernel gives random numbers");
    }
}
