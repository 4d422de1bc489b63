//! The states that a module's units take together: components, embedding, rings, bars, and whether they make a torus.
//!
//! Of each module in one arena: that in which most of its units have its lattice. States are moments drawn from the table `activity`; where none was kept, the table
//! `torus` says so.

use super::modules::ModuleHere;
use super::states::{self, States};
use crate::failure::Failure;
use crate::interrupt;
use crate::plan::Stage;
use crate::progress::Progress;
use crate::workspace::Workspace;
use gridlake_analysis::config::{CheckedAnalyzeConfig, EmbeddingMethod};
use gridlake_analysis::homology::{Bar, HomologyError};
use gridlake_analysis::isomap::{self, IsomapConfig};
use gridlake_analysis::pca::{Pca, pca};
use gridlake_analysis::rings::{Rings, rings};
use gridlake_analysis::spectral_embedding::{self, Convergence, SpectralEmbeddingConfig};
use gridlake_analysis::torus::{FourierPhases, OnTheTorus, TorusAnalysis, TorusError, TorusSample, analyze_torus};
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::partition::Publication;
use gridlake_lake::schema::{BARCODES, EMBEDDING, LAPLACIAN, TORUS, TORUS_MAPS};
use gridlake_space::seed::Seed;
use ndarray::{Array2, ArrayView2};
use serde_json::{Value, json};
use std::f64::consts::TAU;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

/// Components, as the table has columns.
const COMPONENTS: usize = 6;
/// Coordinates of the embedding, as the table has columns.
const DIMENSIONS: usize = 3;

/// Writes `embedding`, `laplacian`, `barcodes`, `torus` and `torus_maps` of every module, given where it was found: per arena, in the tables' order. Returns what the run's
/// record keeps.
///
/// # Errors
/// A torn table, too little memory for the homology, a full disk, an interrupt.
pub(crate) fn write(workspace: &Workspace<'_>, found: &[ModuleHere], publication: &mut Publication<'_>) -> Result<Value, Failure> {
    let config = &workspace.run.settings.analyze;
    let seed = Seed(workspace.run.settings.seed).child("analyze/state-space");
    let modules = found.iter().map(|here| here.module + 1).max().unwrap_or(0);
    let mut notes = Vec::new();
    let mut drawn: Option<(Arc<str>, Option<States>)> = None;
    for module in 0..modules {
        // Of arenas with equally many units the first.
        let of_module = found.iter().filter(|here| here.module == module);
        let Some(here) = of_module.reduce(|best, next| if next.units.len() > best.units.len() { next } else { best }) else { continue };
        if drawn.as_ref().is_none_or(|(arena, _)| *arena != here.arena) {
            let states = states::draw(workspace, &here.arena, config.embedding.points, seed.child(&here.arena))?;
            drawn = Some((Arc::clone(&here.arena), states));
        }
        let Some((_, states)) = &drawn else { continue };
        let seed = seed.child(&format!("module-{module}"));
        let seen = match states {
            Some(states) => Some(look(workspace, here, states, config, seed)?),
            None => None,
        };
        if let (Some(states), Some(seen)) = (states, &seen) {
            publication.write(embedding_rows(here, states, seen))?;
            let maps = seen.torus.torus.as_ref().map(|torus| map_rows(here, torus));
            let more = [laplacian_rows(module, &seen.embedding.eigenvalues), bar_rows(module, &seen.torus)];
            // A part without rows has no types for some readers.
            for frame in more.into_iter().chain(maps).filter(|frame| frame.rows() > 0) {
                publication.write(frame)?;
            }
        }
        publication.write(torus_row(here, states.as_ref().map_or(0, |states| states.t.len()), seen.as_ref(), config.torus.alpha))?;
        notes.push(note(module, here, seen.as_ref()));
        interrupt::check(Stage::Analyze.name())?;
    }
    Ok(Value::Array(notes))
}

/// All that was found of one module.
struct Seen {
    components: Pca,
    embedding: Embedding,
    rings: Rings,
    torus: TorusAnalysis,
}

/// States × [`DIMENSIONS`]; NaN outside the graph's largest piece.
struct Embedding {
    coordinates: Array2<f64>,
    /// Without that of the constant vector; none of Isomap.
    eigenvalues: Vec<f64>,
    method: Option<EmbeddingMethod>,
    note: Option<String>,
}

fn look(workspace: &Workspace<'_>, here: &ModuleHere, states: &States, config: &CheckedAnalyzeConfig, seed: Seed) -> Result<Seen, Failure> {
    let label = format!("{} module {} in {}", workspace.label(Stage::Analyze), here.module, here.arena);
    let wrong = |what: &str, error: &dyn std::fmt::Display| Failure::data(format!("{label}: {what}: {error}"));
    let activity = states.of_units(&here.units);
    let components = pca(activity.view(), COMPONENTS).map_err(|error| wrong("principal components", &error))?;
    let embedding = embed(components.scores.view(), config, seed);
    let rings = rings(activity.view(), &here.phases_rad).map_err(|error| wrong("rings", &error))?;
    let progress = Mutex::new(Progress::start(workspace.mode, &label, "surrogates", 0, config.torus.surrogates as u64));
    let watch = |done: usize, _: usize| {
        if let Ok(mut progress) = progress.lock() {
            progress.update(done as u64, String::new);
        }
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let phases: Vec<[f64; 2]> = here.phases_rad.iter().map(|phases| [phases[0], phases[1]]).collect();
    let fourier = FourierPhases { waves: [here.waves[0], here.waves[1]], phases_rad: &phases };
    let sample = TorusSample { activity: activity.view(), positions_m: &states.positions_m, arena: here.geometry };
    let torus = analyze_torus(sample, Some(fourier), config.checked_torus(), seed, Some(&watch)).map_err(|error| match error {
        TorusError::Interrupted { .. } => interrupt::stopped(Stage::Analyze.name()),
        TorusError::Homology(memory @ HomologyError::Memory { .. }) => {
            Failure::work(format!("{label}: {memory}")).hint("raise analyze.torus.memory_gib, or lower analyze.torus.points")
        }
        other => wrong("the test for a torus", &other),
    })?;
    Ok(Seen { components, embedding, rings, torus })
}

/// An embedding, or why there is none: no reason to stop the analysis.
fn embed(points: ArrayView2<'_, f64>, config: &CheckedAnalyzeConfig, seed: Seed) -> Embedding {
    let settings = &config.embedding;
    let outside = |sizes: &[usize]| {
        let rest: usize = sizes[1..].iter().sum();
        (rest > 0).then(|| format!("the graph of neighbours has {} pieces: {rest} states outside the largest have no place", sizes.len()))
    };
    let place = |members: &[usize], found: ArrayView2<'_, f64>| {
        let mut all = Array2::from_elem((points.nrows(), DIMENSIONS), f64::NAN);
        for (row, &member) in members.iter().enumerate() {
            for axis in 0..found.ncols().min(DIMENSIONS) {
                all[[member, axis]] = found[[row, axis]];
            }
        }
        all
    };
    let none = |why: String| Embedding {
        coordinates: Array2::from_elem((points.nrows(), DIMENSIONS), f64::NAN),
        eigenvalues: Vec::new(),
        method: None,
        note: Some(why),
    };
    match settings.method {
        EmbeddingMethod::Spectral => {
            let asked = SpectralEmbeddingConfig {
                neighbors: settings.neighbors,
                dimensions: DIMENSIONS,
                eigenvalues: settings.eigenvalues,
                ..SpectralEmbeddingConfig::default()
            };
            match spectral_embedding::embed(points, &asked, seed) {
                Ok(found) => {
                    let slow = match found.convergence {
                        Convergence::Converged => None,
                        Convergence::NotConverged { residual, tolerance } => {
                            Some(format!("not converged: a residual of {residual:.1e} where {tolerance:.0e} was wanted"))
                        }
                    };
                    let notes: Vec<String> = [outside(&found.components), slow].into_iter().flatten().collect();
                    Embedding {
                        coordinates: place(&found.members, found.coordinates.view()),
                        eigenvalues: found.eigenvalues,
                        method: Some(settings.method),
                        note: (!notes.is_empty()).then(|| notes.join("; ")),
                    }
                }
                Err(error) => none(error.to_string()),
            }
        }
        EmbeddingMethod::Isomap => {
            let asked = IsomapConfig { neighbors: settings.neighbors, dimensions: DIMENSIONS, ..IsomapConfig::default() };
            match isomap::embed(points, &asked) {
                Ok(found) => {
                    let notes: Vec<String> = [outside(&found.components), found.reason].into_iter().flatten().collect();
                    Embedding {
                        coordinates: place(&found.members, found.coordinates.view()),
                        eigenvalues: Vec::new(),
                        method: Some(settings.method),
                        note: (!notes.is_empty()).then(|| notes.join("; ")),
                    }
                }
                Err(error) => none(error.to_string()),
            }
        }
    }
}

fn modules(module: usize, rows: usize) -> Data {
    Data::Int32(vec![Some(module as i32); rows])
}

fn embedding_rows(here: &ModuleHere, states: &States, seen: &Seen) -> Frame {
    let rows = states.t.len();
    let scores = &seen.components.scores;
    let component = |k: usize| if k < scores.ncols() { scores.column(k).to_vec() } else { vec![f64::NAN; rows] };
    let axis = |k: usize| seen.embedding.coordinates.column(k).to_vec();
    // A ring of which no unit has a phase is none.
    let ring = |a: usize, part: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
        let z = seen.rings.z.column(a);
        z.iter().map(|z| if seen.rings.units[a] > 0 { part(z.re, z.im) } else { f64::NAN }).collect()
    };
    let (re, im) = (|re: f64, _: f64| re, |_: f64, im: f64| im);
    let theta = |k: usize| {
        let angles = seen.torus.torus.as_ref().map(|torus| torus.coordinates.moments_rad.column(k).to_vec());
        angles.unwrap_or_else(|| vec![f64::NAN; rows])
    };
    Frame::new(&EMBEDDING, rows)
        .with("module", modules(here.module, rows))
        .with("arena", Data::repeat(&here.arena, rows))
        .with("trajectory", states.trajectory.clone())
        .with("t", states.t.clone())
        .with("x_m", states.positions_m.iter().map(|at| at[0]).collect::<Vec<f64>>())
        .with("y_m", states.positions_m.iter().map(|at| at[1]).collect::<Vec<f64>>())
        .with("pc1", component(0))
        .with("pc2", component(1))
        .with("pc3", component(2))
        .with("pc4", component(3))
        .with("pc5", component(4))
        .with("pc6", component(5))
        .with("e1", axis(0))
        .with("e2", axis(1))
        .with("e3", axis(2))
        .with("ring1_re", ring(0, &re))
        .with("ring1_im", ring(0, &im))
        .with("ring2_re", ring(1, &re))
        .with("ring2_im", ring(1, &im))
        .with("ring3_re", ring(2, &re))
        .with("ring3_im", ring(2, &im))
        .with("theta1", theta(0))
        .with("theta2", theta(1))
}

/// Index 0 is the constant vector's eigenvalue, which is 0.
fn laplacian_rows(module: usize, eigenvalues: &[f64]) -> Frame {
    let rows = if eigenvalues.is_empty() { 0 } else { eigenvalues.len() + 1 };
    Frame::new(&LAPLACIAN, rows)
        .with("module", modules(module, rows))
        .with("index", (0..rows as u32).collect::<Vec<u32>>())
        .with("eigenvalue", std::iter::once(0.0).chain(eigenvalues.iter().copied()).take(rows).collect::<Vec<f64>>())
}

fn bar_rows(module: usize, torus: &TorusAnalysis) -> Frame {
    let own = torus.bars.iter().enumerate().flat_map(|(dimension, bars)| bars.iter().map(move |bar| ("data", 0, dimension, bar)));
    let null = torus.surrogates.iter().flat_map(|surrogate| {
        let of_dimension = surrogate.bars.iter().enumerate();
        of_dimension.flat_map(move |(dimension, bars)| bars.iter().map(move |bar| ("null", surrogate.index, dimension, bar)))
    });
    let all: Vec<(&str, usize, usize, &Bar)> = own.chain(null).collect();
    let (data, null): (Arc<str>, Arc<str>) = ("data".into(), "null".into());
    let source = |source: &str| Some(Arc::clone(if source == "data" { &data } else { &null }));
    Frame::new(&BARCODES, all.len())
        .with("module", modules(module, all.len()))
        .with("source", Data::Text(all.iter().map(|bar| source(bar.0)).collect()))
        .with("repeat", all.iter().map(|bar| bar.1 as u32).collect::<Vec<u32>>())
        .with("dimension", all.iter().map(|bar| bar.2 as u32).collect::<Vec<u32>>())
        .with("birth", all.iter().map(|bar| bar.3.birth).collect::<Vec<f64>>())
        .with("death", all.iter().map(|bar| if bar.3.death.is_finite() { bar.3.death } else { f64::NAN }).collect::<Vec<f64>>())
}

fn map_rows(here: &ModuleHere, torus: &OnTheTorus) -> Frame {
    let (units, bins, _) = torus.maps.rates.dim();
    let psi = |k: usize| torus.maps.phases_rad.column(k).to_vec();
    let same = torus.matched.as_ref().filter(|matched| matched.same_lattice);
    let expected = |k: usize| -> Vec<f64> {
        let Some(matched) = same else { return vec![f64::NAN; units] };
        let [m, n] = matched.change[k].map(|count| count as f64);
        here.phases_rad.iter().map(|phases| (m * phases[0] + n * phases[1] + torus.waves[k].offset_rad).rem_euclid(TAU)).collect()
    };
    Frame::new(&TORUS_MAPS, units)
        .with("module", modules(here.module, units))
        .with("unit", here.units.iter().map(|unit| *unit as u32).collect::<Vec<u32>>())
        .with("bins", vec![bins as u32; units])
        .with("rate", Data::Floats { length: bins * bins, values: torus.maps.rates.iter().map(|rate| *rate as f32).collect() })
        .with("psi1", psi(0))
        .with("psi2", psi(1))
        .with("fourier1", expected(0))
        .with("fourier2", expected(1))
}

fn torus_row(here: &ModuleHere, moments: usize, seen: Option<&Seen>, alpha: f64) -> Frame {
    let torus = seen.map(|seen| &seen.torus);
    let verdict = torus.map(|torus| &torus.verdict);
    let ranked = verdict.and_then(|verdict| verdict.ranked.as_ref());
    let length = |dimension: usize, rank: usize| vec![ranked.map_or(f64::NAN, |ranked| ranked[dimension].length(rank))];
    let p = |dimension: usize, rank: usize| vec![ranked.map_or(f64::NAN, |ranked| ranked[dimension].p(rank))];
    let betti = |dimension: usize| Data::Int32(vec![verdict.and_then(|verdict| verdict.betti).map(|betti| betti[dimension] as i32)]);
    let level = |dimension: usize| vec![torus.and_then(|torus| torus.null_level(dimension, alpha)).unwrap_or(f64::NAN)];
    let of = |pick: &dyn Fn(&TorusAnalysis) -> f64| vec![torus.map_or(f64::NAN, pick)];
    let on = torus.and_then(|torus| torus.torus.as_ref());
    let coordinate = |pick: &dyn Fn(&OnTheTorus) -> Option<f64>| vec![on.and_then(pick).unwrap_or(f64::NAN)];
    let ring =
        |a: usize, pick: &dyn Fn(&gridlake_analysis::rings::Ring) -> f64| vec![seen.map_or(f64::NAN, |seen| pick(&seen.rings.rings[a]))];
    let text = |value: Option<&str>| Data::Text(vec![value.map(Arc::from)]);
    let reason = verdict.map_or("no activity was kept (record.keep), or analyze.embedding.points is 0", |verdict| verdict.reason.as_str());
    Frame::new(&TORUS, 1)
        .with("module", modules(here.module, 1))
        .with("points", vec![torus.map_or(0, |torus| torus.points as u32)])
        .with("betti0", betti(0))
        .with("betti1", betti(1))
        .with("betti2", betti(2))
        .with("h1_first", length(1, 0))
        .with("h1_second", length(1, 1))
        .with("h1_third", length(1, 2))
        .with("h2_first", length(2, 0))
        .with("p_h1_first", p(1, 0))
        .with("p_h1_second", p(1, 1))
        .with("p_h2", p(2, 0))
        .with("is_torus", Data::Boolean(vec![verdict.and_then(|verdict| verdict.is_torus)]))
        .with("reason", text(Some(reason)))
        .with("arena", text(Some(&here.arena)))
        .with("units", vec![here.units.len() as u32])
        .with("moments", vec![moments as u32])
        .with("surrogates", vec![torus.map_or(0, |torus| torus.surrogates.len() as u32)])
        .with("p_h1_third", p(1, 2))
        .with("h2_second", length(2, 1))
        .with("h0_null", level(0))
        .with("h1_null", level(1))
        .with("h2_null", level(2))
        .with("scale_max", of(&|torus| torus.threshold))
        .with("explained", of(&|torus| torus.explained))
        .with("torus_angle_rad", coordinate(&|on| Some(on.coordinates.angle_rad)))
        .with("torus_length_ratio", coordinate(&|on| Some(on.coordinates.ratio)))
        .with("theta1_kx", coordinate(&|on| Some(on.waves[0].wave[0])))
        .with("theta1_ky", coordinate(&|on| Some(on.waves[0].wave[1])))
        .with("theta2_kx", coordinate(&|on| Some(on.waves[1].wave[0])))
        .with("theta2_ky", coordinate(&|on| Some(on.waves[1].wave[1])))
        .with("theta1_resultant", coordinate(&|on| Some(on.waves[0].resultant)))
        .with("theta2_resultant", coordinate(&|on| Some(on.waves[1].resultant)))
        .with("theta_lattice_angle_rad", coordinate(&|on| on.lattice.map(|lattice| lattice.1)))
        .with("theta_lattice_ratio", coordinate(&|on| on.lattice.map(|lattice| lattice.0)))
        .with("same_lattice", Data::Boolean(vec![on.and_then(|on| on.matched.as_ref()).map(|matched| matched.same_lattice)]))
        .with("wave_misfit", coordinate(&|on| on.matched.as_ref().map(|matched| matched.misfit)))
        .with("phase_resultant1", coordinate(&|on| on.agreement.as_ref().map(|agreement| agreement.resultants[0])))
        .with("phase_resultant2", coordinate(&|on| on.agreement.as_ref().map(|agreement| agreement.resultants[1])))
        .with("phase_p", coordinate(&|on| on.agreement.as_ref().map(|agreement| agreement.p)))
        .with("ring1_mean", ring(0, &|ring| ring.mean_magnitude))
        .with("ring2_mean", ring(1, &|ring| ring.mean_magnitude))
        .with("ring3_mean", ring(2, &|ring| ring.mean_magnitude))
        .with("ring1_variation", ring(0, &|ring| ring.variation))
        .with("ring2_variation", ring(1, &|ring| ring.variation))
        .with("ring3_variation", ring(2, &|ring| ring.variation))
        .with("ring1_hole", ring(0, &|ring| ring.hole))
        .with("ring2_hole", ring(1, &|ring| ring.hole))
        .with("ring3_hole", ring(2, &|ring| ring.hole))
        .with("ring1_coverage", ring(0, &|ring| ring.coverage))
        .with("ring2_coverage", ring(1, &|ring| ring.coverage))
        .with("ring3_coverage", ring(2, &|ring| ring.coverage))
        .with("embedding_method", text(seen.and_then(|seen| seen.embedding.method).map(EmbeddingMethod::as_str)))
        .with("embedding_note", text(seen.and_then(|seen| seen.embedding.note.as_deref())))
}

fn note(module: usize, here: &ModuleHere, seen: Option<&Seen>) -> Value {
    let verdict = seen.map(|seen| &seen.torus.verdict);
    json!({
        "module": module, "arena": &*here.arena, "units": here.units.len(),
        "betti": verdict.and_then(|verdict| verdict.betti), "is_torus": verdict.and_then(|verdict| verdict.is_torus),
        "reason": verdict.map(|verdict| verdict.reason.as_str()),
        "no_coordinates": seen.and_then(|seen| seen.torus.no_coordinates.as_deref()),
    })
}
