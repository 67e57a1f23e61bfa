//! What [`Entropy`] promises. That chance is of cryptographic quality no test can show.

use std::collections::BTreeSet;

use async_trait::async_trait;
use cc_ci_core::ports::Entropy;

super::contract!(Entropy: [
    every_byte_is_filled,
    no_two_fills_are_alike,
    every_value_comes_up,
]);

/// Somewhere with chance.
#[async_trait(?Send)]
pub trait Stage {
    /// The port.
    fn entropy(&self) -> &dyn Entropy;
}

/// A byte that stays what it was in 64 fills was not filled (chance: 256 to the power of -64).
async fn every_byte_is_filled<S: Stage>(stage: &S) {
    for length in [0, 1, 7, 33, 4099] {
        let mut changed = vec![false; length];
        for _ in 0..64 {
            let mut bytes = vec![0xa5; length];
            stage.entropy().fill(&mut bytes);
            assert_eq!(bytes.len(), length);
            bytes.iter().zip(&mut changed).for_each(|(byte, was)| *was |= *byte != 0xa5);
        }
        assert!(changed.iter().all(|was| *was), "{length} bytes: some were never filled");
    }
}

async fn no_two_fills_are_alike<S: Stage>(stage: &S) {
    let mut seen = BTreeSet::new();
    for nth in 0..256 {
        let mut bytes = [0; 32];
        stage.entropy().fill(&mut bytes);
        assert!(seen.insert(bytes), "fill {nth} was there before");
    }
}

async fn every_value_comes_up<S: Stage>(stage: &S) {
    let mut bytes = vec![0; 64 << 10];
    stage.entropy().fill(&mut bytes);
    let values: BTreeSet<u8> = bytes.into_iter().collect();
    assert_eq!(values.len(), 256);
}
