//! Maps of so few fields that a wave through them says nothing.
//!
//! A handful of equal blobs on a silent floor, such as a unit's few spikes after smoothing, always lie on the crests of *some* wave. Isotropic surrogates are nearer
//! to a Gaussian field, whose blobs differ, and do so less often: [`super::Statistic::Periodicity`] would have p ≤ 5 % for half of the units of three spikes and a
//! fifth of those of ten (`docs/validation.md`). Other scores hold their level there.

/// Share of the visited bins that fields may cover and still be too few. Stripes are few and cover a third; three blobs of a tenth of the box's side cover an eighth.
const SPARSE: f64 = 0.15;
/// Largest height of the median rate, from the least rate to the high one, of a silent floor. Noise has none.
const FLOOR: f64 = 0.1;
/// Rate, among the visited bins, from whose half fields are counted: one bin that stands out does not hide the others.
const HIGH: f64 = 0.99;

/// Why a map on a silent floor (flat, rows of `cols` bins; only `bins`, ascending, are read) is too sparse for fewer than `fewest` fields, if it is.
///
/// A field is a patch of bins, joined by sides or corners, halfway or more from the median rate to the 99 % quantile (to the largest rate, where that is the median).
pub(super) fn too_sparse(map: &[f64], cols: usize, bins: &[usize], fewest: usize) -> Option<String> {
    let mut rates: Vec<f64> = bins.iter().map(|&bin| map[bin]).collect();
    rates.sort_by(f64::total_cmp);
    let (median, peak) = (*rates.get(rates.len() / 2)?, *rates.last()?);
    let high = rates[(HIGH * rates.len() as f64) as usize];
    let high = if high > median { high } else { peak };
    let level = median + 0.5 * (high - median);
    let mut open = vec![false; map.len()];
    for &bin in bins {
        open[bin] = map[bin] >= level && map[bin] > median;
    }
    let covered = open.iter().filter(|&&inside| inside).count();
    let mut fields = 0;
    let mut waiting = Vec::new();
    for &bin in bins {
        if !std::mem::take(&mut open[bin]) {
            continue;
        }
        fields += 1;
        waiting.push(bin);
        while let Some(bin) = waiting.pop() {
            let (row, col) = (bin / cols, bin % cols);
            for next_row in row.saturating_sub(1)..(row + 2).min(map.len() / cols) {
                for next_col in col.saturating_sub(1)..(col + 2).min(cols) {
                    let next = next_row * cols + next_col;
                    if std::mem::take(&mut open[next]) {
                        waiting.push(next);
                    }
                }
            }
        }
    }
    let share = covered as f64 / bins.len() as f64;
    let silent = median - rates[0] < FLOOR * (high - rates[0]);
    (fields < fewest && silent && share < SPARSE).then(|| {
        format!(
            "too sparse: {fields} fields over {:.1} % of the visited bins, at least {fewest} are needed for a test of waves",
            100.0 * share
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rate: impl Fn(f64, f64) -> f64) -> Option<String> {
        let map: Vec<f64> = (0..1600).map(|i| rate(f64::from(i % 40), f64::from(i / 40))).collect();
        too_sparse(&map, 40, &(0..1600).collect::<Vec<_>>(), 12)
    }

    /// A blob of two bins' deviation.
    fn blob(x: f64, y: f64, at: (f64, f64)) -> f64 {
        (-((x - at.0).powi(2) + (y - at.1).powi(2)) / 8.0).exp()
    }

    #[test]
    fn blobs_are_counted_and_stripes_are_not_sparse() {
        let three = of(|x, y| blob(x, y, (5.0, 5.0)) + blob(x, y, (30.0, 8.0)) + blob(x, y, (20.0, 33.0))).expect("sparse");
        assert!(three.starts_with("too sparse: 3 fields over ") && three.contains("at least 12 are needed"), "{three}");
        assert_eq!(of(|x, y| blob(x % 10.0, y % 10.0, (5.0, 5.0))), None, "sixteen fields");
        assert_eq!(of(|x, y| blob(x, y, (20.0, 20.0)) + 0.2 * (x * 12.9 + y * 78.2).sin()), None, "no silent floor");
        assert_eq!(of(|x, _| (x / 2.0).cos()), None, "stripes");
        assert_eq!(of(|x, y| (x * 12.9 + y * 78.2).sin()), None, "noise");
        assert!(
            of(|x, y| f64::from(u8::from((x, y) == (3.0, 39.0)))).is_some_and(|why| why.starts_with("too sparse: 1 fields over 0.1 %"))
        );
        assert_eq!(too_sparse(&[], 0, &[], 12), None);
    }
}
