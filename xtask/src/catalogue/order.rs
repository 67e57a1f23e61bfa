//! Which entries run, how often and in which order. Pure.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::mutations::Mutation;

/// Each entry `repeat` times, shuffled: what is left by one is met by another each time. The same
/// seed gives the same order.
pub(super) fn trials(entries: &[Mutation], repeat: usize, seed: u64) -> Vec<(&Mutation, usize)> {
    let rounds = 1..=repeat.max(1);
    let mut all: Vec<_> =
        rounds.flat_map(|round| entries.iter().map(move |entry| (entry, round))).collect();
    all.shuffle(&mut StdRng::seed_from_u64(seed));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Mutation {
        let text = "about = 'x'\nrecipe = 'x'\n[expected]\nverdict = 'pass'\nexit = 0";
        Mutation { name: name.to_owned(), ..toml::from_str(text).unwrap() }
    }

    #[test]
    fn a_seed_is_an_order_of_everything() {
        let entries: Vec<Mutation> = (0..9).map(|number| entry(&number.to_string())).collect();
        let order = |seed| -> Vec<String> {
            let trials = trials(&entries, 2, seed).into_iter();
            trials.map(|(entry, round)| format!("{}.{round}", entry.name)).collect()
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        let mut sorted = order(3);
        sorted.sort();
        let expected: Vec<String> =
            (0..9).flat_map(|entry| [1, 2].map(|round| format!("{entry}.{round}"))).collect();
        assert_eq!(sorted, expected);
        assert_eq!(trials(&entries, 0, 1).len(), 9);
    }
}
