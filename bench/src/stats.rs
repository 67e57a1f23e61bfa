//! Percentiles, and what they come to. Pure.

use serde::Serialize;

/// Latencies of one way to wait, milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// How many.
    pub(crate) n: usize,
    /// Half are at most this.
    pub(crate) p50: i64,
    /// Of a hundred, all but one are at most this.
    pub(crate) p99: i64,
    /// The longest.
    pub(crate) max: i64,
    /// How often it spoke before it was so.
    pub(crate) early: usize,
}

impl Summary {
    /// Those that came early are counted, and are no latencies.
    pub(crate) fn of(all: impl Iterator<Item = i64>) -> Self {
        let (mut late, early): (Vec<i64>, Vec<i64>) = all.partition(|latency| *latency >= 0);
        late.sort_unstable();
        Self {
            n: late.len(),
            p50: percentile(&late, 50),
            p99: percentile(&late, 99),
            max: late.last().copied().unwrap_or_default(),
            early: early.len(),
        }
    }
}

/// The nearest rank: a value that was really measured.
fn percentile(sorted: &[i64], percent: usize) -> i64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// `a` in times of `b`, with a decimal; `-` when there is nothing to compare with.
pub(crate) fn times(a: i64, b: i64) -> String {
    if b <= 0 {
        return "-".to_owned();
    }
    let tenths = a * 10 / b;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let summary = Summary::of((1..=200).rev().chain([-5, -1]));
        assert_eq!(summary, Summary { n: 200, p50: 100, p99: 198, max: 200, early: 2 });
        let few = Summary::of([7, 3].into_iter());
        assert_eq!((few.p50, few.p99), (3, 7));
        assert_eq!(Summary::of(std::iter::empty()).p99, 0);
    }

    #[test]
    fn ratios() {
        assert_eq!(times(1999, 200), "9.9");
        assert_eq!(times(50, 200), "0.2");
        assert_eq!(times(5, 0), "-");
    }
}
