//! Recorded activity shifted in time against positions: the null `trajectory-shift`, from the table `activity`.

use super::arena_sums::ArenaSums;
use crate::failure::Failure;
use crate::interrupt;
use crate::pipeline::settings::Keep;
use crate::plan::Stage;
use crate::workspace::Workspace;
use gridlake_analysis::nulls::NullKind;
use gridlake_analysis::nulls::shift::{ShiftPlan, ShiftedSums};
use gridlake_lake::partition;
use gridlake_lake::schema::ACTIVITY;
use gridlake_space::seed::Seed;
use std::ops::Range;

/// Bytes of shifted sums that are held at once.
const BYTES: usize = 256 << 20;

/// The shifts of an arena; `None` where the null is of another kind.
///
/// # Errors
/// Activity that was not kept, or is too short for its shifts; a torn table; an interrupt.
pub(crate) fn plan(workspace: &Workspace<'_>, arena: &ArenaSums, seed: Seed) -> Result<Option<ShiftPlan>, Failure> {
    let settings = &workspace.run.settings;
    let nulls = &settings.analyze.nulls;
    if nulls.kind != NullKind::TrajectoryShift {
        return Ok(None);
    }
    if workspace.run.imported.is_none() && settings.record.keep != Keep::All {
        return Err(Failure::config(
            "analyze.nulls.kind = \"trajectory-shift\" is made from recorded activity, and record.keep does not keep all of it",
        )
        .hint("set record.keep = \"all\", or another kind of null"));
    }
    let bins = arena.sums.bins();
    let mut at = Vec::new();
    for frame in partition::read(workspace.lake, &ACTIVITY, &workspace.run.name, workspace.last_step(), &["arena", "x_m", "y_m"])? {
        let frame = frame?;
        interrupt::check(Stage::Analyze.name())?;
        let (labels, x, y) = (frame.text("arena"), frame.float64("x_m"), frame.float64("y_m"));
        at.extend((0..frame.rows()).filter(|row| labels[*row].as_ref() == Some(&arena.label)).map(|row| bins.index(x[row], y[row])));
    }
    let made = ShiftPlan::new(bins.clone(), at, nulls.count, nulls.min_shift_steps, seed);
    made.map(Some).map_err(|error| Failure::config(format!("{}: {error}", arena.label)))
}

/// Units whose shifted sums fit into memory at once.
pub(crate) fn units_at_once(plan: &ShiftPlan) -> usize {
    plan.units_within(BYTES)
}

/// The shifted activity of some units.
///
/// # Errors
/// A torn table; an interrupt.
pub(crate) fn sums<'p>(
    workspace: &Workspace<'_>,
    arena: &ArenaSums,
    plan: &'p ShiftPlan,
    units: Range<usize>,
) -> Result<ShiftedSums<'p>, Failure> {
    let mut sums = plan.start(units.len());
    let mut moment = 0;
    for frame in partition::read(workspace.lake, &ACTIVITY, &workspace.run.name, workspace.last_step(), &["arena", "g"])? {
        let frame = frame?;
        interrupt::check(Stage::Analyze.name())?;
        let (labels, (all, states)) = (frame.text("arena"), frame.floats("g"));
        for row in (0..frame.rows()).filter(|row| labels[*row].as_ref() == Some(&arena.label)) {
            sums.add(moment, &states[row * all + units.start..row * all + units.end]);
            moment += 1;
        }
    }
    Ok(sums.finish())
}
