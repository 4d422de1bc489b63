//! Figures of modules' state spaces, as in the paper's Figs. 6c and 6d, of their bars and of units on the torus: from what the analysis left in the tables.

use super::draw::{UnitRow, place, when, who};
use super::module_figures::rate_unit;
use crate::failure::Failure;
use crate::workspace::Workspace;
use gridlake_figures::{
    Bar, BarcodeDimension, Barcodes, MAX_TORUS_UNITS, Ring, RingColor, Rings, StateEmbedding, TorusMaps, TorusUnit, draw_barcodes,
    draw_rings, draw_state_embedding, draw_torus_maps,
};
use gridlake_lake::frame::Frame;
use gridlake_lake::partition;
use gridlake_lake::schema::{BARCODES, LAPLACIAN, TORUS, TORUS_MAPS, Table};
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// Lowest eigenvalues over the lowest: of an ideal hexagonal module, measured (docs/validation.md).
const HEXAGONAL_RATIOS: [f64; 7] = [1.0, 1.04, 1.13, 1.21, 1.26, 1.37, 3.09];
/// More states than these hide each other as dots.
const MANY_STATES: usize = 3000;

/// Draws all figures about each module's states (rows of `embedding`); none where the analysis has none.
///
/// # Errors
/// A torn table, a full disk.
pub(crate) fn draw(workspace: &Workspace<'_>, units: &[UnitRow], all_states: &[Frame], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for torus in read(workspace, &TORUS)? {
        for row in 0..torus.rows() {
            let one = OfModule { workspace, module: torus.int32("module")[row].unwrap_or_default(), torus: &torus, row };
            let stem = |name: &str| folder.join(format!("module-{}-{name}", one.module));
            let states = of_module(all_states, one.module);
            if let Some(embedding) = one.embedding(&states)? {
                paths.extend(draw_state_embedding(&embedding.figure(&one.title("States")), &stem("states"))?);
            }
            if let Some(rings) = one.rings(&states) {
                paths.extend(draw_rings(&rings.figure(&one.title("Rings")), &stem("rings"))?);
            }
            paths.extend(one.barcodes(&stem("barcodes"))?);
            paths.extend(one.torus_maps(&states, units, &stem("torus"))?);
        }
    }
    Ok(paths)
}

/// A table's frames; none where it is not there.
pub(crate) fn read(workspace: &Workspace<'_>, table: &'static Table) -> Result<Vec<Frame>, Failure> {
    let (lake, run, step) = (workspace.lake, &workspace.run.name, workspace.last_step());
    if !partition::exists(lake, table, run, step)? {
        return Ok(Vec::new());
    }
    Ok(partition::read(lake, table, run, step, &[])?.collect::<Result<Vec<Frame>, _>>()?)
}

pub(super) fn of_module(frames: &[Frame], module: i32) -> Vec<Frame> {
    frames.iter().map(|frame| frame.filter(|row| frame.int32("module")[row] == Some(module))).collect()
}

/// A column of several frames.
pub(super) fn column(frames: &[Frame], name: &str) -> Vec<f64> {
    frames.iter().flat_map(|frame| frame.float64(name).iter().copied()).collect()
}

fn columns<const N: usize>(frames: &[Frame], names: [&str; N]) -> Vec<[f64; N]> {
    let each = names.map(|name| column(frames, name));
    (0..each.first().map_or(0, Vec::len)).map(|row| std::array::from_fn(|k| each[k][row])).collect()
}

/// One row of the table `torus`.
pub(super) struct OfModule<'a> {
    pub(super) workspace: &'a Workspace<'a>,
    pub(super) module: i32,
    pub(super) torus: &'a Frame,
    pub(super) row: usize,
}

impl OfModule<'_> {
    /// "States of module 0 in the 2 m box of quickstart, seed 1, after 10,000 steps".
    pub(super) fn title(&self, what: &str) -> String {
        let run = self.workspace.run;
        format!("{what} of module {} in the {} of {}{}", self.module, place(&self.text("arena")), who(run), when(run))
    }

    fn label(&self) -> usize {
        self.module.max(0) as usize
    }

    fn number(&self, name: &str) -> f64 {
        self.torus.float64(name)[self.row]
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.torus.text(name)[self.row].as_deref().unwrap_or_default().to_owned()
    }

    /// Fig. 6c; `None` where no state has coordinates.
    pub(super) fn embedding(&self, states: &[Frame]) -> Result<Option<OfStates>, Failure> {
        let method = self.text("embedding_method");
        let points: Vec<[f64; 3]> = columns(states, ["e1", "e2", "e3"]);
        if method.is_empty() || !points.iter().any(|point| point.iter().all(|axis| axis.is_finite())) {
            return Ok(None);
        }
        let laplacian = of_module(&read(self.workspace, &LAPLACIAN)?, self.module);
        Ok(Some(OfStates {
            module: self.label(),
            method: if method == "isomap" { "Isomap" } else { "spectral embedding" },
            neighbors: self.workspace.run.settings.analyze.embedding.neighbors,
            points,
            positions_m: columns(states, ["x_m", "y_m"]),
            phases_rad: columns(states, ["ring1_im", "ring1_re"]).iter().map(|[im, re]| im.atan2(*re)).collect(),
            eigenvalues: column(&laplacian, "eigenvalue").into_iter().skip(1).collect(),
        }))
    }

    /// Fig. 6d; `None` where there are no rings.
    pub(super) fn rings(&self, states: &[Frame]) -> Option<OfRings> {
        let each = [["ring1_re", "ring1_im"], ["ring2_re", "ring2_im"], ["ring3_re", "ring3_im"]].map(|names| {
            let z: Vec<[f64; 2]> = columns(states, names);
            if z.iter().flatten().any(|part| part.is_finite()) { z } else { Vec::new() }
        });
        let numbers = ["ring1", "ring2", "ring3"].map(|ring| RING_NUMBERS.map(|what| self.number(&format!("{ring}_{what}"))));
        each.iter().any(|z| !z.is_empty()).then(|| OfRings { module: self.label(), each, numbers })
    }

    /// Bars over the null's.
    fn barcodes(&self, stem: &Path) -> Result<Vec<PathBuf>, Failure> {
        let betti = ["betti0", "betti1", "betti2"].map(|name| self.torus.int32(name)[self.row].unwrap_or_default().max(0) as usize);
        let levels = ["h0_null", "h1_null", "h2_null"].map(|name| self.number(name));
        let p_values = [f64::NAN, self.number("p_h1_first"), self.number("p_h2")];
        let mut own: [Vec<Bar>; 3] = Default::default();
        // Surrogates' numbers and lengths.
        let mut null: [Vec<(u32, f64)>; 3] = Default::default();
        for frame in of_module(&read(self.workspace, &BARCODES)?, self.module) {
            let (source, repeat, dimension) = (frame.text("source"), frame.uint32("repeat"), frame.uint32("dimension"));
            let (birth, death) = (frame.float64("birth"), frame.float64("death"));
            for row in 0..frame.rows() {
                let Some(dimension) = usize::try_from(dimension[row]).ok().filter(|dimension| *dimension < 3) else { continue };
                let death = if death[row].is_nan() { f64::INFINITY } else { death[row] };
                if source[row].as_deref() == Some("data") {
                    own[dimension].push(Bar { birth: birth[row], death, significant: false });
                } else if death.is_finite() {
                    null[dimension].push((repeat[row], death - birth[row]));
                }
            }
        }
        if own.iter().all(Vec::is_empty) {
            return Ok(Vec::new());
        }
        for (bars, count) in own.iter_mut().zip(betti) {
            bars.sort_by(|a, b| (b.death - b.birth).total_cmp(&(a.death - a.birth)));
            bars.iter_mut().take(count).for_each(|bar| bar.significant = true);
        }
        let by_rank = null.map(ranks);
        let dimensions: Vec<BarcodeDimension<'_>> = (0..3)
            .map(|dimension| BarcodeDimension {
                bars: &own[dimension],
                null_lifetime: levels[dimension].is_finite().then_some(levels[dimension]),
                null_by_rank: &by_rank[dimension],
                p_value: p_values[dimension],
            })
            .collect();
        let alpha = self.workspace.run.settings.analyze.torus.alpha;
        let input = Barcodes {
            title: &self.title("Persistent homology"),
            module: self.label(),
            point_count: self.torus.uint32("points")[self.row] as usize,
            dimensions: &dimensions,
            null_name: &format!("chance at the level {alpha}, {} surrogates", self.torus.uint32("surrogates")[self.row]),
            verdict: &self.text("reason"),
        };
        Ok(draw_barcodes(&input, stem)?)
    }

    /// Units on the torus; nothing where there is none.
    fn torus_maps(&self, states: &[Frame], rows: &[UnitRow], stem: &Path) -> Result<Vec<PathBuf>, Failure> {
        let mut found: Vec<(u32, Array2<f64>, Option<[f64; 2]>)> = Vec::new();
        for frame in of_module(&read(self.workspace, &TORUS_MAPS)?, self.module) {
            let (length, rates) = frame.floats("rate");
            let (unit, bins) = (frame.uint32("unit"), frame.uint32("bins"));
            for row in 0..frame.rows() {
                let side = bins[row] as usize;
                let map = rates[row * length..(row + 1) * length].iter().map(|rate| f64::from(*rate)).collect();
                let map = Array2::from_shape_vec((side, side), map).map_err(|error| Failure::data(format!("table torus_maps: {error}")))?;
                let phases = [frame.float64("fourier1")[row], frame.float64("fourier2")[row]];
                found.push((unit[row], map, phases.iter().all(|phase| phase.is_finite()).then_some(phases)));
            }
        }
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let count = found.len();
        // The highest grid scores.
        let arena = self.text("arena");
        let row = |unit: u32| rows.iter().find(|row| row.arena == arena && row.unit == unit);
        let score = |unit: u32| row(unit).map_or(f64::NEG_INFINITY, |row| if row.score.is_nan() { f64::NEG_INFINITY } else { row.score });
        found.sort_by(|a, b| score(b.0).total_cmp(&score(a.0)).then(a.0.cmp(&b.0)));
        found.truncate(MAX_TORUS_UNITS);
        let shown: Vec<TorusUnit<'_>> =
            found.iter().map(|(unit, map, phase_rad)| TorusUnit { unit: *unit as usize, map: map.view(), phase_rad: *phase_rad }).collect();
        let angle = self.number("theta_lattice_angle_rad").to_degrees();
        let input = TorusMaps {
            title: &self.title("Units on the torus"),
            module: self.label(),
            units: &shown,
            unit_count: count,
            angle_deg: if angle.is_finite() { angle.clamp(30.0, 150.0) } else { 90.0 },
            positions_m: &columns(states, ["x_m", "y_m"]),
            thetas_rad: &columns(states, ["theta1", "theta2"]),
            rate_unit: rate_unit(self.workspace.run),
        };
        Ok(draw_torus_maps(&input, stem)?)
    }
}

/// States in three dimensions.
pub(super) struct OfStates {
    module: usize,
    method: &'static str,
    neighbors: usize,
    points: Vec<[f64; 3]>,
    positions_m: Vec<[f64; 2]>,
    phases_rad: Vec<f64>,
    eigenvalues: Vec<f64>,
}

impl OfStates {
    pub(super) fn figure<'a>(&'a self, title: &'a str) -> StateEmbedding<'a> {
        StateEmbedding {
            title,
            module: self.module,
            method: self.method,
            neighbors: self.neighbors,
            points: &self.points,
            positions_m: &self.positions_m,
            phases_rad: &self.phases_rad,
            eigenvalues: &self.eigenvalues,
            ideal_ratios: &HEXAGONAL_RATIOS,
            ideal_name: "Ideal hexagonal torus",
            ideal_origin: "a simulated ideal hexagonal module (docs/validation.md)",
        }
    }
}

/// Columns of each ring.
const RING_NUMBERS: [&str; 4] = ["mean", "variation", "hole", "coverage"];

/// States in the planes of the phases.
pub(super) struct OfRings {
    module: usize,
    each: [Vec<[f64; 2]>; 3],
    /// As [`RING_NUMBERS`].
    numbers: [[f64; 4]; 3],
}

impl OfRings {
    pub(super) fn figure<'a>(&'a self, title: &'a str) -> Rings<'a> {
        let ring = |index: usize| {
            let [mean_radius, variation, hole, coverage] = self.numbers[index];
            Ring { z: &self.each[index], mean_radius, variation, hole, coverage }
        };
        Rings {
            title,
            module: self.module,
            rings: [ring(0), ring(1), ring(2)],
            color: if self.each[0].len() > MANY_STATES { RingColor::Density } else { RingColor::Angle },
        }
    }
}

/// The shortest and the longest of the surrogates' longest bars, of their second longest, and so on, as far as every surrogate has as many.
fn ranks(lengths: Vec<(u32, f64)>) -> Vec<[f64; 2]> {
    let mut of_repeat: std::collections::BTreeMap<u32, Vec<f64>> = std::collections::BTreeMap::new();
    for (repeat, length) in lengths {
        of_repeat.entry(repeat).or_default().push(length);
    }
    let mut all: Vec<Vec<f64>> = of_repeat.into_values().collect();
    for lengths in &mut all {
        lengths.sort_by(|a, b| b.total_cmp(a));
    }
    let common = all.iter().map(Vec::len).min().unwrap_or(0);
    let range = |rank: usize| {
        let each = all.iter().map(|lengths| lengths[rank]);
        [each.clone().fold(f64::INFINITY, f64::min), each.fold(f64::NEG_INFINITY, f64::max)]
    };
    (0..common).map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::ranks;

    #[test]
    fn surrogates_are_ranked_each_by_itself() {
        assert_eq!(ranks(vec![(0, 1.0), (1, 4.0), (0, 3.0), (1, 2.0), (1, 0.5)]), [[3.0, 4.0], [1.0, 2.0]]);
        assert!(ranks(Vec::new()).is_empty());
    }
}
