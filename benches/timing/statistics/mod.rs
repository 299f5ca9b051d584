//! Whether two sets of durations can be told apart. Nothing here assumes a distribution: answers
//! have a long tail, and a mean would speak of the tail alone.

mod check;
mod normal;
mod ranks;

pub(crate) use check::check;
pub(crate) use normal::proportion;
use normal::two_sided;
use ranks::Ranked;

/// Bootstrap samples: enough for the ends of a 95 % interval to be stable in the third digit.
const RESAMPLES: usize = 1000;

/// Standard errors between "no difference" and a difference that is found with 80 % probability
/// by a test at 5 %, two-sided: the quantiles 0.975 and 0.8 of the normal distribution.
const DETECTABLE: f64 = 1.96 + 0.84;

/// From where to where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    pub(crate) fn is_inside(self, limit: Self) -> bool {
        limit.low <= self.low && self.high <= limit.high
    }

    pub(crate) fn holds(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// What the durations of two classes say, all times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub(crate) median_a: f64,
    pub(crate) median_b: f64,
    /// How probably a random answer of A took longer than a random one of B; ties count half.
    pub(crate) auc: f64,
    /// Of the AUC, 95 %.
    pub(crate) interval: Interval,
    /// Mann–Whitney U, two-sided.
    pub(crate) p: f64,
    /// The AUC's least distance from 0.5 that would be found with 80 % probability.
    pub(crate) detectable_auc: f64,
    /// The constant delay of all of B that would cause it.
    pub(crate) detectable: f64,
}

impl Comparison {
    pub(crate) fn delta(&self) -> f64 {
        self.median_a - self.median_b
    }

    /// The difference of the medians, as a part of B's.
    pub(crate) fn relative_delta(&self) -> f64 {
        self.delta() / self.median_b
    }
}

/// Compares two sets whose elements of the same place were measured one right after the other.
pub(crate) fn compare(a: &[f64], b: &[f64], random: &mut Random) -> Comparison {
    let ranked = Ranked::new(a, b);
    let auc = ranked.auc();
    let mut aucs: Vec<f64> = (0..RESAMPLES).map(|_| ranked.resampled(random)).collect();
    aucs.sort_unstable_by(f64::total_cmp);
    let interval = Interval {
        low: quantile(&aucs, 0.025),
        high: quantile(&aucs, 0.975),
    };
    let detectable_auc = DETECTABLE * deviation(&aucs);
    let (sorted_a, sorted_b) = (sorted(a), sorted(b));
    Comparison {
        median_a: quantile(&sorted_a, 0.5),
        median_b: quantile(&sorted_b, 0.5),
        auc,
        interval,
        p: two_sided(ranked.z()),
        detectable_auc,
        detectable: shift_for(&sorted_b, detectable_auc),
    }
}

/// By how much all of a sorted set must grow for its AUC against itself to become 0.5 + `distance`.
fn shift_for(sorted: &[f64], distance: f64) -> f64 {
    let spread = quantile(sorted, 1.0) - quantile(sorted, 0.0);
    let (mut low, mut high) = (0.0, spread);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if auc_of_shifted(sorted, middle) - 0.5 < distance {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// How probably an element grown by `shift` exceeds another one of the same sorted set.
fn auc_of_shifted(sorted: &[f64], shift: f64) -> f64 {
    let (mut below, mut up_to, mut sum) = (0, 0, 0);
    for &value in sorted {
        while below < sorted.len() && sorted[below] < value + shift {
            below += 1;
        }
        while up_to < sorted.len() && sorted[up_to] <= value + shift {
            up_to += 1;
        }
        // Ties, which are between `below` and `up_to`, count half.
        sum += below + up_to;
    }
    sum as f64 / 2.0 / (sorted.len() as f64).powi(2)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// Interpolated; of nothing it is not a number.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = share * last as f64;
    let (below, above) = (sorted[floor(place)], sorted[floor(place.ceil())]);
    below + (above - below) * place.fract()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a list: from 0 to its length"
)]
fn floor(place: f64) -> usize {
    place as usize
}

fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (squares.sum::<f64>() / (count - 1.0)).sqrt()
}

/// `SplitMix64`: the order of a run can be repeated from its seed, and nothing here is a secret.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `limit`; the bias of the remainder is far below anything measured here.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "below the limit, which is a usize"
    )]
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.next() >> 63 == 1
    }
}
