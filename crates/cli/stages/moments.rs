//! Whole trajectories drawn from the table `activity`, arena by arena: what distances, coherence and decoding are computed from.
//!
//! However long a recording is, `analyze.generalization.points` moments of one arena are held at most: 4 bytes × units each. Trajectories are drawn at random, as many
//! as fit whole; of trajectories so long that hardly any would, a moment is drawn from each of equal stretches of some.

use super::states::stretches;
use crate::failure::Failure;
use crate::interrupt;
use crate::plan::Stage;
use crate::workspace::Workspace;
use gridlake_lake::partition;
use gridlake_lake::schema::ACTIVITY;
use gridlake_space::seed::Seed;
use ndarray::Array2;
use std::collections::VecDeque;
use std::sync::Arc;

/// Fewest trajectories that are drawn, where there are as many: medians and halves of fewer say little.
const FEWEST: usize = 64;

/// Sampled moments of one arena, in the table's order.
pub(crate) struct ArenaMoments {
    pub(crate) label: Arc<str>,
    pub(crate) trajectories: Vec<u32>,
    pub(crate) times: Vec<u32>,
    /// Positions from the arena's centre, m.
    pub(crate) positions_m: Vec<[f64; 2]>,
    /// Moments × units.
    pub(crate) activity: Array2<f32>,
    /// Velocities of the drawn trajectories, each from its beginning without gaps, m per step.
    pub(crate) paths_m: Vec<Vec<[f64; 2]>>,
    /// Moments of the longest recorded trajectory.
    pub(crate) longest: usize,
}

/// Hands over the sampled moments of each arena of the table `activity`, in its order.
///
/// # Errors
/// A torn table, an interrupt, and what `work` fails with.
pub(crate) fn each(
    workspace: &Workspace<'_>,
    points: usize,
    seed: Seed,
    mut work: impl FnMut(ArenaMoments) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (lake, run, step) = (workspace.lake, &workspace.run.name, workspace.last_step());
    let mut plans: VecDeque<Plan> = plans(workspace, points, seed)?.into();
    let mut open: Option<(Plan, Gathered)> = None;
    for frame in partition::read(lake, &ACTIVITY, run, step, &["arena", "trajectory", "t", "x_m", "y_m", "vx_m", "vy_m", "g"])? {
        let frame = frame?;
        interrupt::check(Stage::Analyze.name())?;
        let (labels, trajectories, times) = (frame.text("arena"), frame.uint32("trajectory"), frame.uint32("t"));
        let [x, y, vx, vy] = ["x_m", "y_m", "vx_m", "vy_m"].map(|name| frame.float64(name));
        let (units, states) = frame.floats("g");
        for row in 0..frame.rows() {
            let label = labels[row].clone().unwrap_or_default();
            if open.as_ref().is_none_or(|(plan, _)| plan.label != label) {
                if let Some((plan, gathered)) = open.take() {
                    work(gathered.finish(plan)?)?;
                }
                let next = plans.pop_front().filter(|plan| plan.label == label);
                let Some(plan) = next else {
                    return Err(Failure::data(format!("table activity of {run}: rows of the arena {label} do not follow each other"))
                        .hint("record it anew with --force"));
                };
                open = Some((plan, Gathered::default()));
            }
            let Some((plan, gathered)) = &mut open else { continue };
            gathered.units = units;
            gathered.next(trajectories[row], plan);
            let Some(kept) = &plan.kept[gathered.path] else { continue };
            if gathered.offset < plan.each && vx[row].is_finite() && vy[row].is_finite() {
                gathered.step([vx[row], vy[row]]);
            }
            if kept.get(gathered.taken) == Some(&gathered.offset) {
                gathered.taken += 1;
                gathered.trajectories.push(trajectories[row]);
                gathered.times.push(times[row]);
                gathered.positions_m.push([x[row], y[row]]);
                gathered.states.extend_from_slice(&states[row * units..(row + 1) * units]);
            }
        }
    }
    match open {
        Some((plan, gathered)) => work(gathered.finish(plan)?),
        None => Ok(()),
    }
}

/// What is drawn of one arena.
struct Plan {
    label: Arc<str>,
    /// Per trajectory, in the table's order: ascending moments of it that are held; none where it was not drawn.
    kept: Vec<Option<Vec<usize>>>,
    /// Most moments of a trajectory.
    each: usize,
    longest: usize,
}

/// An arena's trajectories, each with how many moments it has.
type Lengths = (Arc<str>, Vec<(u32, usize)>);

fn plans(workspace: &Workspace<'_>, points: usize, seed: Seed) -> Result<Vec<Plan>, Failure> {
    let mut arenas: Vec<Lengths> = Vec::new();
    for frame in partition::read(workspace.lake, &ACTIVITY, &workspace.run.name, workspace.last_step(), &["arena", "trajectory"])? {
        let frame = frame?;
        for (label, trajectory) in frame.text("arena").iter().zip(frame.uint32("trajectory")) {
            let label = label.clone().unwrap_or_default();
            if arenas.last().is_none_or(|(last, _)| *last != label) {
                arenas.push((label, Vec::new()));
            }
            let Some((_, lengths)) = arenas.last_mut() else { continue };
            match lengths.last_mut() {
                Some((last, length)) if last == trajectory => *length += 1,
                _ => lengths.push((*trajectory, 1)),
            }
        }
    }
    let plan = |(label, lengths): Lengths| {
        let seed = seed.child(&label);
        let lengths: Vec<usize> = lengths.into_iter().map(|(_, length)| length).collect();
        let (kept, each) = choose(&lengths, points, seed);
        Plan { label, kept, each, longest: lengths.iter().copied().max().unwrap_or(0) }
    };
    Ok(arenas.into_iter().map(plan).collect())
}

/// Per trajectory its drawn moments, at most `points` of all together, and the most of one.
fn choose(lengths: &[usize], points: usize, seed: Seed) -> (Vec<Option<Vec<usize>>>, usize) {
    let longest = lengths.iter().copied().max().unwrap_or(0).max(1);
    let count = (points / longest).max(FEWEST).min(points).min(lengths.len());
    let each = points.checked_div(count).unwrap_or(0).min(longest);
    let mut drawn = seed.stream("trajectories", 0).permutation(lengths.len());
    drawn.truncate(count);
    let mut kept = vec![None; lengths.len()];
    for number in drawn {
        let number = number as usize;
        kept[number] = Some(stretches(lengths[number], each, seed.child(&format!("trajectory-{number}"))));
    }
    (kept, each)
}

/// What was gathered of an arena so far.
#[derive(Default)]
struct Gathered {
    units: usize,
    /// Trajectory that the last row was of: its number, its place, the row's place in it, and how many were taken of it.
    current: Option<u32>,
    path: usize,
    offset: usize,
    taken: usize,
    trajectories: Vec<u32>,
    times: Vec<u32>,
    positions_m: Vec<[f64; 2]>,
    states: Vec<f32>,
    paths_m: Vec<(usize, Vec<[f64; 2]>)>,
}

impl Gathered {
    /// Goes to the next row.
    fn next(&mut self, trajectory: u32, plan: &Plan) {
        match self.current {
            Some(current) if current == trajectory => self.offset += 1,
            before => {
                self.path = if before.is_some() { (self.path + 1).min(plan.kept.len() - 1) } else { 0 };
                (self.current, self.offset, self.taken) = (Some(trajectory), 0, 0);
            }
        }
    }

    fn step(&mut self, velocity_m: [f64; 2]) {
        match self.paths_m.last_mut() {
            Some((path, steps)) if *path == self.path => steps.push(velocity_m),
            _ => self.paths_m.push((self.path, vec![velocity_m])),
        }
    }

    fn finish(self, plan: Plan) -> Result<ArenaMoments, Failure> {
        let activity = Array2::from_shape_vec((self.times.len(), self.units), self.states)
            .map_err(|error| Failure::data(format!("table activity, arena {}: {error}", plan.label)))?;
        Ok(ArenaMoments {
            label: plan.label,
            trajectories: self.trajectories,
            times: self.times,
            positions_m: self.positions_m,
            activity,
            paths_m: self.paths_m.into_iter().map(|(_, path)| path).collect(),
            longest: plan.longest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(kept: &[Option<Vec<usize>>]) -> (usize, usize) {
        (kept.iter().flatten().count(), kept.iter().flatten().map(Vec::len).sum())
    }

    #[test]
    fn whole_trajectories_as_many_as_fit() {
        let (kept, each) = choose(&[200; 400], 100_000, Seed(1));
        assert_eq!((held(&kept), each), ((400, 80_000), 200));
        let (kept, each) = choose(&[600; 400], 100_000, Seed(1));
        assert_eq!((held(&kept), each), ((166, 99_600), 600));
        assert!(kept.iter().flatten().all(|moments| *moments == (0..600).collect::<Vec<usize>>()));
        // Drawn from everywhere, by the seed.
        assert!(kept[..200].iter().flatten().count() > 60 && kept[200..].iter().flatten().count() > 60);
        assert_ne!(choose(&[600; 400], 100_000, Seed(2)).0, kept);
    }

    #[test]
    fn long_ones_are_thinned_and_there_are_never_more_than_asked_for() {
        let (kept, each) = choose(&[50_000; 100], 100_000, Seed(1));
        assert_eq!((held(&kept), each), ((64, 64 * 1562), 1562));
        assert!(kept.iter().flatten().all(|moments| moments.windows(2).all(|pair| pair[0] < pair[1]) && moments[1561] >= 49_000));
        for (lengths, points) in
            [(vec![12; 3], 5), (vec![1_000_000], 300), (vec![3, 0, 9], 7), (vec![5; 10_000], 10), (Vec::new(), 8), (vec![4; 9], 0)]
        {
            let (kept, _) = choose(&lengths, points, Seed(1));
            let (trajectories, moments) = held(&kept);
            assert!(kept.len() == lengths.len() && moments <= points && trajectories <= points, "{lengths:?}");
            assert!(moments > 0 || points == 0 || lengths.is_empty());
        }
    }
}
