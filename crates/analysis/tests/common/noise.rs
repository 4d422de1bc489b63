//! Maps of noise.

use gridlake_space::seed::Stream;

/// White noise of this many bins a side, smoothed by a Gaussian of `sd` bins, cut out of a larger field, so that opposite walls are strangers.
pub(crate) fn smoothed(bins: usize, sd: f64, stream: &mut Stream) -> Vec<f64> {
    let reach = (3.0 * sd).ceil() as usize;
    let wide = bins + 2 * reach;
    let field: Vec<f64> = (0..wide * wide).map(|_| stream.normal()).collect();
    let kernel: Vec<f64> = (0..=2 * reach).map(|i| (-0.5 * ((i as f64 - reach as f64) / sd).powi(2)).exp()).collect();
    let along: Vec<f64> = (0..wide * bins)
        .map(|i| kernel.iter().enumerate().map(|(k, weight)| weight * field[i / bins * wide + i % bins + k]).sum())
        .collect();
    (0..bins * bins).map(|i| kernel.iter().enumerate().map(|(k, weight)| weight * along[(i / bins + k) * bins + i % bins]).sum()).collect()
}

/// An isotropic Gaussian field of wave numbers in a ring of `low` to `high` cycles a side: every wave of the ring that is periodic in a plane of four sides,
/// with independent normal amplitudes. Waves of random directions would not do: some 200 of them leave gaps and clusters, which no isotropic field has.
pub(crate) fn waves(bins: usize, low: f64, high: f64, stream: &mut Stream) -> Vec<f64> {
    const SIDES: f64 = 4.0;
    let mut map = vec![0.0; bins * bins];
    let most = (high * SIDES).floor() as i32;
    for ky in 0..=most {
        for kx in -most..=most {
            let cycles = f64::from(kx).hypot(f64::from(ky)) / SIDES;
            // One of each pair of opposite waves.
            if !(low..=high).contains(&cycles) || (ky == 0 && kx < 0) {
                continue;
            }
            let (a, b) = (stream.normal(), stream.normal());
            let along = |k: i32| -> Vec<(f64, f64)> {
                (0..bins).map(|i| (std::f64::consts::TAU * f64::from(k) * i as f64 / (SIDES * bins as f64)).sin_cos()).collect()
            };
            let (x, y) = (along(kx), along(ky));
            for (i, value) in map.iter_mut().enumerate() {
                let ((sx, cx), (sy, cy)) = (x[i % bins], y[i / bins]);
                *value += a * (cx * cy - sx * sy) + b * (sx * cy + cx * sy);
            }
        }
    }
    map
}
