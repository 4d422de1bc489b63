//! Errors of decoded positions and coherence against the time since the start.

use super::draw::place;
use super::generalization_figures::{ArenaRow, OfTraining};
use super::state_figures::column;
use crate::failure::Failure;
use gridlake_figures::{TimeCurve, TimeCurves, draw_coherence, draw_decode_errors};
use gridlake_lake::frame::Frame;
use std::path::{Path, PathBuf};

fn of_arena(frames: &[Frame], arena: &str) -> Vec<Frame> {
    frames.iter().map(|frame| frame.filter(|row| frame.text("arena")[row].as_deref() == Some(arena))).collect()
}

fn steps(frames: &[Frame]) -> Vec<f64> {
    frames.iter().flat_map(|frame| frame.uint32("t").iter().map(|t| f64::from(*t)).collect::<Vec<f64>>()).collect()
}

/// Errors of decoded positions by time; `whose` run.
pub(super) fn decoding(
    times: &[Frame],
    arena: &ArenaRow,
    training: &OfTraining,
    whose: &str,
    stem: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let here = of_arena(times, &arena.label);
    let names = ["decode_error", "linear_error", "constant_error", "shuffled_error"];
    let [nearest, linear, constant, shuffled] =
        names.map(|name| ["m", "q25_m", "q75_m"].map(|end| column(&here, &format!("{name}_{end}"))));
    if !nearest[0].iter().chain(&linear[0]).any(|error| error.is_finite()) {
        return Ok(Vec::new());
    }
    let kinds = [
        ("Nearest ratemap state", &nearest, false),
        ("Linear read-out", &linear, false),
        ("Mean position of that time", &constant, true),
        ("State of another trajectory", &shuffled, true),
    ];
    let curves = kinds.map(|(name, [median, low, high], is_chance)| TimeCurve {
        name,
        values: median,
        band: (!is_chance).then_some((low, high)),
        is_chance,
    });
    // A code that repeats within the box cannot do better, however well it integrates.
    let repeats = arena.only_period_m.map_or_else(String::new, |period| {
        format!(". One module: its period of {period:.2} m repeats within the box, so the nearest state cannot tell places a period apart")
    });
    let subtitle =
        format!("{whose}. Medians over trajectories, bands: quartiles; decoders are fitted to the other half of the trajectories{repeats}");
    let title = format!("Decoded position in the {}", place(&arena.label));
    let input =
        TimeCurves { title: &title, subtitle: &subtitle, times: &steps(&here), curves: &curves, training_steps: training.length_steps };
    Ok(draw_decode_errors(&input, stem)?)
}

/// Coherence and faithfulness to the map by time; `whose` run.
pub(super) fn coherence(
    times: &[Frame],
    arena: &ArenaRow,
    training: &OfTraining,
    whose: &str,
    stem: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let here = of_arena(times, &arena.label);
    let names = ["coherence_corrected", "coherence_se", "map_similarity", "coherence_chance", "map_similarity_chance"];
    let [among, error, map, among_chance, map_chance] = names.map(|name| column(&here, name));
    if !among.iter().chain(&map).any(|value| value.is_finite()) {
        return Ok(Vec::new());
    }
    let end = |sign: f64| among.iter().zip(&error).map(|(value, se)| value + sign * se).collect::<Vec<f64>>();
    let (low, high) = (end(-1.0), end(1.0));
    let curves = [
        TimeCurve { name: "States of one place at this time", values: &among, band: Some((&low, &high)), is_chance: false },
        TimeCurve { name: "With the map of all times", values: &map, band: None, is_chance: false },
        TimeCurve { name: "Chance of the first", values: &among_chance, band: None, is_chance: true },
        TimeCurve { name: "Chance of the second", values: &map_chance, band: None, is_chance: true },
    ];
    let subtitle =
        format!("{whose}. Spatial coherence ± one standard error, corrected for few visits; mean cosine with the mean state of the bin");
    let title = format!("Coherence in the {}", place(&arena.label));
    let input =
        TimeCurves { title: &title, subtitle: &subtitle, times: &steps(&here), curves: &curves, training_steps: training.length_steps };
    Ok(draw_coherence(&input, stem)?)
}
