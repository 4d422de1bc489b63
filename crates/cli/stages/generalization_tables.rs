//! Rows of the tables `generalization` and `path_integration`.

use super::walks::Training;
use gridlake_analysis::distances::SpaceDistances;
use gridlake_analysis::generalization::{ArenaGeneralization, GeneralizationRow, ModuleUnits, PeriodChange, Quartiles};
use gridlake_analysis::path_integration::{PathIntegration, TimeErrors};
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::schema::{GENERALIZATION, PATH_INTEGRATION};
use std::sync::Arc;

/// An arena with its modules and their periods.
pub(crate) struct OfArena<'a> {
    pub(crate) label: &'a Arc<str>,
    pub(crate) box_m: f64,
    /// All units.
    pub(crate) units: usize,
    pub(crate) modules: &'a [ModuleUnits],
    pub(crate) changes: &'a [PeriodChange],
}

fn texts(values: impl Iterator<Item = Option<String>>) -> Data {
    Data::Text(values.map(|value| value.map(Arc::from)).collect())
}

/// Columns that need no states: a row for all units, then one for each module.
fn start(of: &OfArena<'_>, training: Option<&Training>) -> Frame {
    let rows = 1 + of.modules.len();
    let first =
        |whole: f64, each: &dyn Fn(usize) -> f64| -> Vec<f64> { std::iter::once(whole).chain((0..of.modules.len()).map(each)).collect() };
    let no_period = Some("all units together have no one period".to_owned());
    Frame::new(&GENERALIZATION, rows)
        .with("arena", Data::repeat(of.label, rows))
        .with("box_m", vec![of.box_m; rows])
        .with("module", Data::Int32(std::iter::once(None).chain(of.modules.iter().map(|module| Some(module.module as i32))).collect()))
        .with(
            "units",
            std::iter::once(of.units as u32).chain(of.modules.iter().map(|module| module.units.len() as u32)).collect::<Vec<u32>>(),
        )
        .with("period_m", first(f64::NAN, &|row| of.modules[row].period_m))
        .with("period_se_m", first(f64::NAN, &|row| of.modules[row].period_se_m))
        .with("period_change_vs_smallest", first(f64::NAN, &|row| of.changes[row].change))
        .with("period_change_se", first(f64::NAN, &|row| of.changes[row].change_se))
        .with("period_reason", texts(std::iter::once(no_period).chain(of.changes.iter().map(|change| change.reason.map(str::to_owned)))))
        .with("sigma_x_m", vec![training.map_or(f64::NAN, |training| training.sigma_x_m); rows])
}

/// Rows of an arena whose states were looked at; `counts`: moments and trajectories.
pub(crate) fn rows(
    of: &OfArena<'_>,
    found: &ArenaGeneralization,
    early: Option<&SpaceDistances>,
    training: Option<&Training>,
    counts: (usize, usize),
    decode_reason: Option<&str>,
) -> Frame {
    let each: Vec<&GeneralizationRow> = std::iter::once(&found.all).chain(&found.modules).collect();
    let number = |pick: &dyn Fn(&GeneralizationRow) -> f64| each.iter().map(|row| pick(row)).collect::<Vec<f64>>();
    let reason = |pick: &dyn Fn(&GeneralizationRow) -> Option<&'static str>| texts(each.iter().map(|row| pick(row).map(str::to_owned)));
    let of_all = |value: Option<f64>| (0..each.len()).map(|row| value.filter(|_| row == 0).unwrap_or(f64::NAN)).collect::<Vec<f64>>();
    let early_reason = match early {
        Some(early) => early.half_rise_reason,
        None if training.is_some() => Some("no moment up to the training's length was kept"),
        None => Some("imported activity has no training"),
    };
    start(of, training)
        .with("chance_distance", number(&|row| row.chance_distance))
        .with("chance_distance_se", number(&|row| row.chance_se))
        .with("half_rise_m", number(&|row| row.half_rise_m))
        .with("half_rise_se_m", number(&|row| row.half_rise_se_m))
        .with("half_rise_reason", reason(&|row| row.half_rise_reason))
        .with("spatial_coherence", number(&|row| row.coherence.raw))
        .with("spatial_coherence_corrected", number(&|row| row.coherence.corrected))
        .with("spatial_coherence_se", number(&|row| row.coherence.corrected_se))
        .with("spatial_coherence_chance", number(&|row| row.coherence.chance))
        .with("coherence_reason", reason(&|row| row.coherence.reason))
        .with("moments", vec![counts.0 as u32; each.len()])
        .with("trajectories", vec![counts.1 as u32; each.len()])
        .with("decode_reason", texts((0..each.len()).map(|row| decode_reason.filter(|_| row == 0).map(str::to_owned))))
        .with("half_rise_in_training_m", of_all(early.map(|early| early.half_rise_m)))
        .with("half_rise_in_training_se_m", of_all(early.map(|early| early.half_rise_se_m)))
        .with("half_rise_in_training_reason", texts((0..each.len()).map(|row| early_reason.filter(|_| row == 0).map(str::to_owned))))
}

/// Rows of an arena of which no states are there, with the reason.
pub(crate) fn without_states(of: &OfArena<'_>, training: Option<&Training>, why: &str) -> Frame {
    let rows = 1 + of.modules.len();
    start(of, training)
        .with("half_rise_reason", Data::repeat(why, rows))
        .with("coherence_reason", Data::repeat(why, rows))
        .with("half_rise_in_training_reason", texts((0..rows).map(|row| (row == 0).then(|| why.to_owned()))))
        .with("moments", vec![0_u32; rows])
        .with("trajectories", vec![0_u32; rows])
        .with("decode_reason", texts((0..rows).map(|row| (row == 0).then(|| why.to_owned()))))
}

/// Rows of `path_integration` of an arena.
pub(crate) fn times(of: &OfArena<'_>, found: &PathIntegration, training: Option<&Training>) -> Frame {
    let times = &found.times;
    let number = |pick: &dyn Fn(&TimeErrors) -> f64| times.iter().map(pick).collect::<Vec<f64>>();
    let whole = |pick: &dyn Fn(&TimeErrors) -> u32| times.iter().map(pick).collect::<Vec<u32>>();
    let quartiles = |frame: Frame, name: &str, pick: &dyn Fn(&TimeErrors) -> Quartiles| {
        frame
            .with(&format!("{name}_m"), number(&|time| pick(time).median))
            .with(&format!("{name}_q25_m"), number(&|time| pick(time).q25))
            .with(&format!("{name}_q75_m"), number(&|time| pick(time).q75))
    };
    let lengths = |time: &TimeErrors| training.map_or(f64::NAN, |training| f64::from(time.t()) / training.length as f64);
    let frame = Frame::new(&PATH_INTEGRATION, times.len())
        .with("arena", Data::repeat(of.label, times.len()))
        .with("box_m", vec![of.box_m; times.len()])
        .with("t", whole(&TimeErrors::t))
        .with("from_step", whole(&|time| time.from_step))
        .with("to_step", whole(&|time| time.to_step))
        .with("training_lengths", number(&lengths))
        .with("trajectories", whole(&|time| time.linear_m.count as u32));
    let frame = quartiles(frame, "decode_error", &|time| time.nearest_m);
    let frame = quartiles(frame, "linear_error", &|time| time.linear_m);
    let frame = quartiles(frame, "constant_error", &|time| time.constant_m);
    let frame = quartiles(frame, "shuffled_error", &|time| time.shuffled_m);
    frame
        .with("coherence", number(&|time| time.coherence.raw))
        .with("coherence_corrected", number(&|time| time.coherence.corrected))
        .with("coherence_se", number(&|time| time.coherence.corrected_se))
        .with("coherence_chance", number(&|time| time.coherence.chance))
        .with("coherence_reason", texts(times.iter().map(|time| time.coherence.reason.map(str::to_owned))))
        .with("map_similarity", number(&|time| time.map_similarity))
        .with("map_similarity_chance", number(&|time| time.map_similarity_chance))
}
