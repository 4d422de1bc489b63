//! The numbers of each module in one arena.

use super::evidence::{ArenaLattice, Combined, UnitLattices, mean};
use super::find::Modules;
use super::strain::{Triad, coordinates, is_band, period_m};
use crate::lattice::{self, LatticeShape, Wave, norm};
use crate::module_spectrum::SharedWaves;

/// One row of the `modules` table: a module in an arena.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleInArena {
    /// Arena, as in [`UnitLattices::arenas`].
    pub arena: usize,
    /// Label of the module.
    pub module: usize,
    /// Units of the module (in all arenas).
    pub units: usize,
    /// Those of them with a lattice in this arena that is near the module's: what the rest of the row is made from.
    pub units_here: usize,
    /// k₁, k₂, k₃ in cycles per metre; NaN where no unit has its lattice here. A band has k₁.
    pub waves: [Wave; 3],
    /// Standard errors of their components, cycles per metre; NaN until [`Self::refine`] has put a joint fit here.
    pub waves_se: [Wave; 3],
    /// `√(2A/√3)`, A the area of a cell, in metres: spacing of the hexagonal lattice with the same density of fields. A band's: its wavelength.
    pub period_m: f64,
    /// Standard deviation (over n - 1) of the members' periods, metres; NaN for fewer than two.
    pub period_sd_m: f64,
    /// `2/√3 / mean |k|`, metres.
    pub spacing_m: f64,
    /// Orientation of the lattice's axes, see [`lattice::orientation_rad`]; NaN for a band.
    pub orientation_rad: f64,
    /// Standard deviation of the members' rotations against the module's lattice, rad: defined for every shape. NaN for fewer than two.
    pub orientation_sd_rad: f64,
    /// Angle between the two shortest lattice vectors, π/3 (hexagonal) to π/2 (square); NaN for a band.
    pub lattice_angle_rad: f64,
    /// Ratio (≥ 1) of the axes of the ellipse through the six nearest fields (the obtuse superbase and its opposite): 1 for hexagons, √3 for squares. NaN for a
    /// band.
    pub ellipse_ratio: f64,
    /// The lattice's shape here; `None` without a lattice.
    pub shape: Option<LatticeShape>,
    /// p-value of uniform phases, NaN until the caller puts [`crate::phases::uniformity()`]'s here.
    pub phase_uniformity_p: f64,
    /// Period of the next larger module of the same kind over this one's, in this arena; NaN for the last.
    pub ratio_to_next: f64,
    /// BIC of the mixture that the module is a component of.
    pub bic: f64,
    /// Mean Jaccard index over subsamples.
    pub stability: f64,
    /// Expected number of modules as large by chance, up to 1.
    pub chance: f64,
    /// Why numbers are NaN; `None` where all that apply are there.
    pub reason: Option<String>,
}

impl ModuleInArena {
    /// Puts a joint fit's waves in the place of the members' mean, with what follows from them. Call [`ratios`] after the last.
    pub fn refine(&mut self, fit: &SharedWaves) {
        self.waves = fit.waves;
        self.waves_se = fit.se;
        self.describe();
    }

    fn describe(&mut self) {
        self.period_m = period_m(&self.waves);
        if is_band(&self.waves) {
            self.spacing_m = 2.0 / (3.0_f64.sqrt() * norm(self.waves[0]));
            self.shape = Some(LatticeShape::Band);
            return;
        }
        self.spacing_m = lattice::wavelength_m(&self.waves) * 2.0 / 3.0_f64.sqrt();
        self.orientation_rad = lattice::orientation_rad(&self.waves);
        self.lattice_angle_rad = lattice::reduced_ratio_and_angle(&self.waves).1;
        self.ellipse_ratio = ellipse_ratio(&self.waves);
        self.shape = Some(lattice::shape(&self.waves));
    }
}

/// Every module's row in an arena, by label. `units` as given to [`super::find`].
pub fn in_arena(modules: &Modules, units: &[UnitLattices], arena: usize) -> Vec<ModuleInArena> {
    let mut rows: Vec<ModuleInArena> = modules
        .modules
        .iter()
        .enumerate()
        .map(|(label, module)| {
            let own = units.iter().zip(&modules.units).filter(|(_, entry)| entry.module == Some(label));
            let near: Vec<&ArenaLattice> = own
                .filter(|(_, entry)| entry.arenas.contains(&arena))
                .filter_map(|(unit, _)| unit.arenas.get(arena)?.as_ref())
                .filter(|lattice| coordinates(&module.waves, &lattice.waves).is_some())
                .collect();
            let waves = if near.is_empty() { [[f64::NAN; 2]; 3] } else { mean_waves(&module.waves, &near) };
            let (period_sd_m, orientation_sd_rad) = spread(&waves, &near);
            let mut row = ModuleInArena {
                arena,
                module: label,
                units: module.units.len(),
                units_here: near.len(),
                waves,
                waves_se: [[f64::NAN; 2]; 3],
                period_m: f64::NAN,
                period_sd_m,
                spacing_m: f64::NAN,
                orientation_rad: f64::NAN,
                orientation_sd_rad,
                lattice_angle_rad: f64::NAN,
                ellipse_ratio: f64::NAN,
                shape: None,
                phase_uniformity_p: f64::NAN,
                ratio_to_next: f64::NAN,
                bic: module.bic,
                stability: module.stability,
                chance: module.chance,
                reason: None,
            };
            match near.len() {
                0 => row.reason = Some("none of its units has the module's lattice in this arena".to_owned()),
                1 => row.reason = Some("one unit has no spread".to_owned()),
                _ => {}
            }
            if !near.is_empty() {
                row.describe();
            }
            row
        })
        .collect();
    ratios(&mut rows);
    rows
}

/// Sets `ratio_to_next` anew: `rows` are one arena's, by label.
pub fn ratios(rows: &mut [ModuleInArena]) {
    for i in 0..rows.len() {
        let band = |row: &ModuleInArena| row.shape == Some(LatticeShape::Band);
        let next = rows[i + 1..].iter().find(|other| other.shape.is_some() && band(other) == band(&rows[i]));
        rows[i].ratio_to_next = next.map_or(f64::NAN, |next| next.period_m / rows[i].period_m);
    }
}

fn mean_waves(seat: &Triad, lattices: &[&ArenaLattice]) -> Triad {
    // Equal weights: in one arena the estimates' errors are alike, and a wrong standard error must not carry a module.
    let members: Vec<Combined> = lattices.iter().map(|lattice| Combined { waves: lattice.waves, se: 1.0, ..Combined::default() }).collect();
    mean(seat, &members.iter().collect::<Vec<_>>())
}

fn spread(waves: &Triad, lattices: &[&ArenaLattice]) -> (f64, f64) {
    let sd = |values: Vec<f64>| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        if n < 2.0 { f64::NAN } else { (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt() }
    };
    let turns = lattices.iter().filter_map(|lattice| Some(coordinates(waves, &lattice.waves)?[1])).collect();
    (sd(lattices.iter().map(|lattice| period_m(&lattice.waves)).collect()), sd(turns))
}

/// Ratio of the axes of the ellipse `kᵀ A k = 1` through three vectors and their opposites. The direct lattice is the reciprocal one turned and scaled, so its
/// ellipse has the same ratio.
fn ellipse_ratio(waves: &Triad) -> f64 {
    // Three linear equations in A_xx, A_xy, A_yy by Cramer's rule.
    let rows = waves.map(|k| [k[0] * k[0], 2.0 * k[0] * k[1], k[1] * k[1]]);
    let det = |m: &[[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let whole = det(&rows);
    let unknown = |column: usize| {
        let mut changed = rows;
        for row in &mut changed {
            row[column] = 1.0;
        }
        det(&changed) / whole
    };
    let (xx, xy, yy) = (unknown(0), unknown(1), unknown(2));
    let (half, apart) = (f64::midpoint(xx, yy), ((xx - yy) / 2.0).hypot(xy));
    // No ellipse goes through very elongated sets.
    if half - apart > 0.0 { ((half + apart) / (half - apart)).sqrt() } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::superbase;

    #[test]
    fn ellipses_of_hexagons_and_squares() {
        let hexagon = superbase([1.0, 0.0], [-0.5, 0.75_f64.sqrt()]).expect("two directions");
        assert!((ellipse_ratio(&hexagon) - 1.0).abs() < 1e-9);
        let square = superbase([0.6, 0.8], [-0.8, 0.6]).expect("two directions");
        assert!((ellipse_ratio(&square) - 3.0_f64.sqrt()).abs() < 1e-9);
        // A hexagon stretched by 1.2 along one axis.
        let stretched = hexagon.map(|k| [1.2 * k[0], k[1]]);
        assert!((ellipse_ratio(&stretched) - 1.2).abs() < 1e-9);
    }
}
