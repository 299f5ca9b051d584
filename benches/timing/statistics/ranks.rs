//! Mann and Whitney's statistic, and the bootstrap of what it estimates.

use super::Random;

/// The elements of two sets in one order.
pub(super) struct Ranked {
    /// Ascending, equal ones together.
    groups: Vec<Vec<Element>>,
    a: usize,
    b: usize,
}

/// One measured duration, by where it came from.
#[derive(Clone, Copy)]
struct Element {
    pair: usize,
    is_a: bool,
}

impl Ranked {
    pub(super) fn new(a: &[f64], b: &[f64]) -> Self {
        let of = |values: &[f64], is_a| {
            let values = values.iter().copied().enumerate();
            let tagged = values.map(move |(pair, value)| (value, Element { pair, is_a }));
            tagged.collect::<Vec<_>>()
        };
        let mut all = of(a, true);
        all.extend(of(b, false));
        all.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let groups = all.chunk_by(|one, other| one.0.total_cmp(&other.0).is_eq());
        let groups = groups.map(|group| group.iter().map(|(_, element)| *element).collect());
        Self {
            groups: groups.collect(),
            a: a.len(),
            b: b.len(),
        }
    }

    /// The probability that an element of A exceeds one of B.
    pub(super) fn auc(&self) -> f64 {
        self.u(|_| 1) / (self.a as f64 * self.b as f64)
    }

    /// The AUC of as many pairs, drawn with replacement. Pairs are drawn, not elements: what
    /// disturbed one of a pair has mostly disturbed both.
    pub(super) fn resampled(&self, random: &mut Random) -> f64 {
        let pairs = self.a.max(self.b);
        let mut times = vec![0_u32; pairs];
        for _ in 0..pairs {
            times[random.below(pairs)] += 1;
        }
        self.u(|element| times[element.pair]) / (pairs as f64 * pairs as f64)
    }

    /// In how many of all combinations A is the larger, with each element so many times.
    fn u(&self, times: impl Fn(Element) -> u32) -> f64 {
        let (mut below, mut u) = (0.0, 0.0);
        for group in &self.groups {
            let (mut a, mut b) = (0.0, 0.0);
            for &element in group {
                let count = f64::from(times(element));
                if element.is_a {
                    a += count;
                } else {
                    b += count;
                }
            }
            u += a * (below + b / 2.0);
            below += b;
        }
        u
    }

    /// How many standard deviations U is from what it would be without a difference: the normal
    /// approximation, corrected for ties and for continuity.
    pub(super) fn z(&self) -> f64 {
        let (a, b) = (self.a as f64, self.b as f64);
        let all = a + b;
        let ties = self.groups.iter().map(|group| {
            let size = group.len() as f64;
            size.powi(3) - size
        });
        let ties = ties.sum::<f64>() / (all * (all - 1.0));
        let variance = a * b / 12.0 * (all + 1.0 - ties);
        let distance = (self.u(|_| 1) - a * b / 2.0).abs();
        (distance - 0.5).max(0.0) / variance.sqrt()
    }
}
