//! How training and evaluation walk, as figures show it.

use super::draw::place;
use super::generalization_figures::grid;
use super::state_figures::{column, read};
use crate::failure::Failure;
use crate::output::signed;
use crate::workspace::Workspace;
use gridlake_lake::frame::Frame;
use gridlake_lake::schema::{TRAJECTORIES, VELOCITIES};
use gridlake_model::config::Augmentation;
use ndarray::Array2;

/// How a set of trajectories moves.
pub(super) struct Set {
    pub(super) arena: Option<String>,
    pub(super) name: String,
    pub(super) share: Array2<f64>,
    pub(super) bin_m: f64,
    pub(super) facts: Vec<String>,
}

/// Training's first, then each arena's.
pub(super) fn velocity_sets(workspace: &Workspace<'_>) -> Result<Vec<Set>, Failure> {
    let velocities = read(workspace, &VELOCITIES)?;
    let settings = &workspace.run.settings.train;
    let last = settings.settings(settings.phase_of(settings.steps.saturating_sub(1))).data;
    let shared = workspace.run.imported.is_none() && last.augmentation == Augmentation::Permutation;
    let batch = shared.then_some(last.batch);
    let mut sets = Vec::new();
    for frame in read(workspace, &TRAJECTORIES)? {
        for row in 0..frame.rows() {
            let text = |name: &str| frame.text(name)[row].as_deref().map(str::to_owned);
            let (source, arena) = (text("source").unwrap_or_default(), text("arena"));
            let own = |velocities: &Frame, row: usize| {
                velocities.text("source")[row].as_deref() == Some(&source) && velocities.text("arena")[row].as_deref() == arena.as_deref()
            };
            let here: Vec<Frame> =
                velocities.iter().map(|frame| frame.filter(|row| own(frame, row))).filter(|frame| frame.rows() > 0).collect();
            if here.is_empty() {
                continue;
            }
            let name = arena.as_deref().map_or_else(|| "Training".to_owned(), |arena| format!("Evaluation, {}", place(arena)));
            let (share, bin_m) = (grid(&here, "vy_m", "share")?, column(&here, "bin_m")[0]);
            sets.push(Set { arena, name, share, bin_m, facts: facts(&frame, row, batch.filter(|_| source == "training")) });
        }
    }
    Ok(sets)
}

/// What stands beside the velocities; of training, whose batches permute one set of velocities, with their size.
fn facts(frame: &Frame, row: usize, batch: Option<usize>) -> Vec<String> {
    let number = |name: &str| frame.float64(name)[row];
    let mm = |name: &str| format!("{:.0}", 1e3 * number(name));
    let (trajectories, steps) = (frame.uint32("trajectories")[row], frame.uint32("length_steps")[row]);
    // Within a training batch all trajectories take the same velocities, each in its own order.
    let distinct = batch.map_or_else(String::new, |batch| {
        let velocities = u64::from(trajectories).div_ceil(batch.max(1) as u64) * u64::from(steps);
        format!(", {velocities} distinct velocities")
    });
    let mut facts = vec![
        format!("{trajectories} trajectories of {steps} steps{distinct}"),
        format!("Speed {} mm/step, quartiles {} to {}", mm("mean_speed_m"), mm("speed_q25_m"), mm("speed_q75_m")),
    ];
    if number("mean_turn_rad").is_finite() {
        facts.push(format!("Turn from step to step {:.0}°", number("mean_turn_rad").to_degrees()));
    }
    if number("velocity_correlation").is_finite() {
        facts.push(format!("Correlation of successive velocities {}", signed(number("velocity_correlation"), 2)));
    }
    facts.push(format!("Farthest from the start {:.2} m (median), {:.2} m (of all)", number("median_extent_m"), number("extent_m")));
    facts
}
