//! The normal distribution.

use super::Interval;

/// The quantile 0.975.
const Z: f64 = 1.959_963_984_540_054;

/// How probable a distance of at least `z` standard deviations is, on either side.
pub(super) fn two_sided(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The complementary error function of what is not negative: a Chebyshev fit whose relative error
/// is below 1.2e-7 everywhere (Press et al., Numerical Recipes, section 6.2).
pub(super) fn erfc(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 10] = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ];
    let t = 1.0 / (1.0 + x / 2.0);
    let fitted = COEFFICIENTS.iter().fold(0.0, |sum, one| sum * t + one);
    t * (fitted - x * x).exp()
}

/// The 95 % interval of the probability of what happened `count` times out of `of` (Wilson).
pub(crate) fn proportion(count: usize, of: usize) -> Interval {
    let (of, share) = (of as f64, count as f64 / of as f64);
    let scale = 1.0 + Z * Z / of;
    let center = (share + Z * Z / 2.0 / of) / scale;
    let half = Z * (share * (1.0 - share) / of + Z * Z / 4.0 / of / of).sqrt() / scale;
    Interval {
        low: center - half,
        high: center + half,
    }
}
