//! The statistics against values that are known: a measurement is believed only after this.

use super::ranks::Ranked;
use super::{Random, auc_of_shifted, compare, normal, proportion, quantile, shift_for, two_sided};
use crate::Outcome;

/// Computes what is known and fails where it comes out otherwise.
pub(crate) fn check() -> Outcome<()> {
    error_function()?;
    mann_whitney()?;
    proportions()?;
    quantiles()?;
    shifts()?;
    differences()
}

fn error_function() -> Outcome<()> {
    near("erfc(0)", normal::erfc(0.0), 1.0, 1e-6)?;
    near("erfc(1)", normal::erfc(1.0), 0.157_299_207, 1e-6)?;
    near("erfc(3)", normal::erfc(3.0), 2.209_049_7e-5, 1e-10)?;
    near("p of 1.96", two_sided(1.959_963_985), 0.05, 1e-6)
}

/// The ages at which diabetes was found in men and women: the example of `SciPy`'s documentation.
/// And one with ties, reckoned by hand: U = 3, variance 15.5556.
fn mann_whitney() -> Outcome<()> {
    let men = [19.0, 22.0, 16.0, 29.0, 24.0];
    let women = [20.0, 11.0, 17.0, 12.0];
    let ranked = Ranked::new(&men, &women);
    near("AUC", ranked.auc(), 17.0 / 20.0, 1e-12)?;
    near("p", two_sided(ranked.z()), 0.111_346_886_53, 1e-6)?;
    let tied = Ranked::new(&[1.0, 2.0, 2.0, 3.0], &[2.0, 3.0, 3.0, 4.0, 5.0]);
    near("AUC with ties", tied.auc(), 3.0 / 20.0, 1e-12)?;
    near("p with ties", two_sided(tied.z()), 0.099_342_247, 1e-6)?;
    let same = Ranked::new(&men, &men);
    near("AUC of the same", same.auc(), 0.5, 1e-12)?;
    near("p of the same", two_sided(same.z()), 1.0, 1e-6)
}

fn proportions() -> Outcome<()> {
    let half = proportion(50, 100);
    near("Wilson, low", half.low, 0.403_831_530, 1e-8)?;
    near("Wilson, high", half.high, 0.596_168_470, 1e-8)
}

fn quantiles() -> Outcome<()> {
    near(
        "median of 4",
        quantile(&[1.0, 2.0, 4.0, 8.0], 0.5),
        3.0,
        0.0,
    )?;
    near("median of 3", quantile(&[1.0, 2.0, 4.0], 0.5), 2.0, 0.0)?;
    near("largest", quantile(&[1.0, 2.0, 4.0], 1.0), 4.0, 0.0)
}

/// Of numbers spread evenly over one, a part `s` grown beyond another has the AUC ½ + s - s²/2.
fn shifts() -> Outcome<()> {
    let even: Vec<f64> = (0..2000).map(|number| f64::from(number) / 2000.0).collect();
    near("AUC, not shifted", auc_of_shifted(&even, 0.0), 0.5, 1e-12)?;
    near("AUC, shifted", auc_of_shifted(&even, 0.2), 0.68, 1e-3)?;
    near("the shift again", shift_for(&even, 0.18), 0.2, 1e-3)
}

/// What is alike is not told apart, and what is not, is.
fn differences() -> Outcome<()> {
    let mut random = Random::new(1);
    let mut noise = |shift: f64| -> Vec<f64> {
        let numbers = std::iter::repeat_with(|| (random.next() >> 11) as f64);
        let numbers = numbers.map(|number| number / (1_u64 << 53) as f64 + shift);
        numbers.take(4000).collect()
    };
    let (one, other, later) = (noise(0.0), noise(0.0), noise(0.1));
    let alike = compare(&one, &other, &mut Random::new(2));
    let moved = compare(&later, &one, &mut Random::new(3));
    if !alike.interval.holds(0.5) || alike.p < 0.01 {
        return Err(format!("what is alike was told apart: {alike:?}").into());
    }
    if moved.interval.holds(0.5) || moved.p > 1e-6 {
        return Err(format!("a difference was not found: {moved:?}").into());
    }
    near("delta of the medians", moved.delta(), 0.1, 0.03)?;
    // The standard error of the AUC of two sets of n is 1 / sqrt(6 n).
    let expected = 2.8 / (6.0 * 4000.0_f64).sqrt();
    near("detectable AUC", alike.detectable_auc, expected, 0.003)
}

fn near(what: &str, found: f64, expected: f64, tolerance: f64) -> Outcome<()> {
    if (found - expected).abs() <= tolerance {
        return Ok(());
    }
    Err(format!("the statistics are wrong: {what} is {found}, not {expected}").into())
}
