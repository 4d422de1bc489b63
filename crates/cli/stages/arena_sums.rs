//! Activity added up in bins, arena by arena: what ratemaps are made from.
//!
//! It comes from the table `ratemap_sums`, where a recording left it there because it does not keep all activity, else from `activity`. Both give
//! the same bits: sums run in the order of trajectory and time either way. One arena's sums are held at a time, of all its moments and of the first
//! half of them, from which stability is told.

use super::geometry;
use crate::failure::Failure;
use crate::interrupt;
use crate::plan::Stage;
use crate::workspace::Workspace;
use gridlake_analysis::{Accumulator, Ratemaps};
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::partition;
use gridlake_lake::schema::{ACTIVITY, FIRST_HALF_SUMS, RATEMAP_SUMS, Table};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Sums in one frame of the table: 4 MiB.
const FRAME_SUMS: usize = 1 << 19;

/// One arena as a table names it, with the sums of all its moments.
pub(crate) struct ArenaSums {
    pub(crate) label: Arc<str>,
    pub(crate) sums: Accumulator,
    /// Of the first half of its moments; none where an older gridlake added up only all of them.
    pub(crate) first_half: Option<Accumulator>,
}

impl ArenaSums {
    /// Nothing yet.
    pub(crate) fn new(label: Arc<str>, arena: Arena, bins: usize, units: usize) -> Self {
        let empty = Accumulator::new(Bins::square(arena, bins), units);
        Self { label, first_half: Some(empty.clone()), sums: empty }
    }

    /// As tables have it: the longer side.
    pub(crate) fn box_m(&self) -> f64 {
        geometry::box_m(&self.sums.bins().arena)
    }

    /// Adds a moment, which is one of the first half or not.
    pub(crate) fn add(&mut self, x_m: f64, y_m: f64, activity: &[f32], in_first_half: bool) {
        self.sums.add(x_m, y_m, activity);
        if let Some(first) = self.first_half.as_mut().filter(|_| in_first_half) {
            first.add(x_m, y_m, activity);
        }
    }

    /// The maps of some units of the two halves.
    pub(crate) fn halves(&self, units: Range<usize>) -> Option<[Ratemaps; 2]> {
        let first = self.first_half.as_ref()?;
        Some([first.maps(units.clone()), self.sums.without(first).maps(units)])
    }
}

/// Hands over the sums of each arena that was recorded, in the tables' order.
///
/// # Errors
/// A torn or altered table, sums in other bins than `analyze.ratemap.bins`, no moments at all, an interrupt, and what `work` fails with.
pub(crate) fn each(workspace: &Workspace<'_>, mut work: impl FnMut(ArenaSums) -> Result<(), Failure>) -> Result<(), Failure> {
    let (lake, run, step) = (workspace.lake, &workspace.run.name, workspace.last_step());
    let bins = workspace.run.settings.analyze.ratemap.bins;
    let added_up = partition::exists(lake, &RATEMAP_SUMS, run, step)?;
    let (table, list, columns): (_, _, &[&str]) = if added_up {
        (&RATEMAP_SUMS, "sums", &["arena", "box_m", "bins", "bin_x", "bin_y", "visits", "sums"])
    } else {
        (&ACTIVITY, "g", &["arena", "box_m", "x_m", "y_m", "g"])
    };
    let moments = if added_up { HashMap::new() } else { count(workspace)? };
    let known = geometry::read(workspace)?;
    let mut open: Option<ArenaSums> = None;
    let mut done = 0;
    let mut seen: Vec<Arc<str>> = Vec::new();
    for frame in partition::read(lake, table, run, step, columns)? {
        let frame = frame?;
        interrupt::check(Stage::Analyze.name())?;
        let units = if added_up { frame.doubles(list).0 } else { frame.floats(list).0 };
        let (labels, boxes) = (frame.text("arena"), frame.float64("box_m"));
        let mut row = 0;
        while row < frame.rows() {
            let label = labels[row].clone().unwrap_or_default();
            let rows = row..row + labels[row..].iter().take_while(|other| other.as_deref().unwrap_or_default() == &*label).count();
            if open.as_ref().is_none_or(|open| open.label != label) {
                if let Some(whole) = open.take() {
                    work(whole)?;
                }
                if seen.contains(&label) {
                    let message = format!("table {} of {run}: rows of the arena {label} do not follow each other", table.name);
                    return Err(Failure::data(message).hint("sort the rows by arena, trajectory, t, or record it anew with --force"));
                }
                seen.push(Arc::clone(&label));
                let geometry = known.get(&label).copied().unwrap_or_else(|| Arena::square(boxes[row]));
                let mut arena = ArenaSums::new(label, geometry, bins, units);
                if added_up {
                    arena.first_half = first_half(workspace, &arena)?;
                }
                (open, done) = (Some(arena), 0);
            }
            if let Some(arena) = &mut open {
                if added_up {
                    restore(&RATEMAP_SUMS, &frame, rows.clone(), arena, run)?;
                } else {
                    let half = moments.get(&arena.label).map_or(0, |moments| moments / 2);
                    add(&frame, rows.clone(), arena, half.saturating_sub(done));
                    done += rows.len();
                }
            }
            row = rows.end;
        }
    }
    let Some(last) = open else {
        return Err(Failure::data(format!("table {} of {run} holds no moments", table.name)).hint("record it anew with --force"));
    };
    work(last)
}

/// Moments of each arena.
pub(crate) fn count(workspace: &Workspace<'_>) -> Result<HashMap<Arc<str>, usize>, Failure> {
    let mut moments = HashMap::new();
    for frame in partition::read(workspace.lake, &ACTIVITY, &workspace.run.name, workspace.last_step(), &["arena"])? {
        for label in frame?.text("arena") {
            *moments.entry(label.clone().unwrap_or_default()).or_insert(0) += 1;
        }
    }
    Ok(moments)
}

/// The sums of an arena's first half as they were recorded; `None` where they were not.
fn first_half(workspace: &Workspace<'_>, arena: &ArenaSums) -> Result<Option<Accumulator>, Failure> {
    let (lake, run, step) = (workspace.lake, &workspace.run.name, workspace.last_step());
    if !partition::exists(lake, &FIRST_HALF_SUMS, run, step)? {
        return Ok(None);
    }
    let bins = arena.sums.bins();
    let mut half = ArenaSums { first_half: None, ..ArenaSums::new(Arc::clone(&arena.label), bins.arena, bins.nx, arena.sums.units()) };
    for frame in partition::read(lake, &FIRST_HALF_SUMS, run, step, &["arena", "bins", "bin_x", "bin_y", "visits", "sums"])? {
        let frame = frame?;
        for row in (0..frame.rows()).filter(|row| frame.text("arena")[*row].as_ref() == Some(&arena.label)) {
            restore(&FIRST_HALF_SUMS, &frame, row..row + 1, &mut half, run)?;
        }
    }
    Ok(Some(half.sums))
}

/// Rows of `activity`, of which the first `of_first_half` are of the first half.
fn add(frame: &Frame, rows: Range<usize>, arena: &mut ArenaSums, of_first_half: usize) {
    let (x, y, (units, states)) = (frame.float64("x_m"), frame.float64("y_m"), frame.floats("g"));
    for (place, row) in rows.enumerate() {
        arena.add(x[row], y[row], &states[row * units..(row + 1) * units], place < of_first_half);
    }
}

/// Rows of a table of sums.
fn restore(table: &Table, frame: &Frame, rows: Range<usize>, arena: &mut ArenaSums, run: &str) -> Result<(), Failure> {
    let (recorded, visits, (units, sums)) = (frame.uint32("bins"), frame.uint32("visits"), frame.doubles("sums"));
    let (bin_x, bin_y) = (frame.uint32("bin_x"), frame.uint32("bin_y"));
    let bins = arena.sums.bins().nx;
    for row in rows {
        let (x, y) = (bin_x[row] as usize, bin_y[row] as usize);
        if recorded[row] as usize != bins || x >= bins || y >= bins {
            let message = format!(
                "table {} of {run}, arena {}: bin ({x}, {y}) of {} along each side, where analyze.ratemap.bins is {bins}",
                table.name, arena.label, recorded[row]
            );
            return Err(
                Failure::data(message).hint("record it anew (`gridlake record PIPELINE --force`), or set the bins it was recorded with")
            );
        }
        arena.sums.restore(y * bins + x, visits[row], &sums[row * units..(row + 1) * units]);
    }
    Ok(())
}

/// Rows of `ratemap_sums` and of `ratemap_sums_first_half`, in frames of bounded size.
pub(crate) fn frames(arena: &ArenaSums) -> impl Iterator<Item = Frame> + '_ {
    let halves = arena.first_half.iter().flat_map(|sums| frames_of(&FIRST_HALF_SUMS, arena, sums));
    frames_of(&RATEMAP_SUMS, arena, &arena.sums).chain(halves)
}

fn frames_of<'a>(table: &'static Table, arena: &'a ArenaSums, sums: &'a Accumulator) -> impl Iterator<Item = Frame> + 'a {
    let (units, bins, count) = (sums.units(), sums.bins().nx, sums.bins().len());
    let at_once = (FRAME_SUMS / units.max(1)).max(1);
    (0..count).step_by(at_once).map(move |first| {
        let range = first..(first + at_once).min(count);
        let rows = range.len();
        Frame::new(table, rows)
            .with("arena", Data::repeat(&arena.label, rows))
            .with("box_m", vec![arena.box_m(); rows])
            .with("bins", vec![bins as u32; rows])
            .with("bin_x", range.clone().map(|bin| (bin % bins) as u32).collect::<Vec<u32>>())
            .with("bin_y", range.clone().map(|bin| (bin / bins) as u32).collect::<Vec<u32>>())
            .with("visits", sums.visits()[range.clone()].to_vec())
            .with("sums", Data::Doubles { length: units, values: sums.sums()[range.start * units..range.end * units].to_vec() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(bins: usize) -> ArenaSums {
        ArenaSums::new("box".into(), Arena::rectangle(2.0, 2.5), bins, 3)
    }

    #[test]
    fn sums_come_back_to_the_bit() {
        let mut arena = empty(5);
        for moment in 0..200_u32 {
            let at = |step: f64| (f64::from(moment) * step).sin();
            arena.add(at(0.7), at(0.3), &[at(0.1) as f32, 0.1, f32::MIN_POSITIVE], moment < 90);
        }
        let mut back = empty(5);
        let mut half = empty(5);
        for frame in frames(&arena) {
            let (table, arena) =
                if frame.table().name == RATEMAP_SUMS.name { (&RATEMAP_SUMS, &mut back) } else { (&FIRST_HALF_SUMS, &mut half) };
            restore(table, &frame, 0..frame.rows(), arena, "run").unwrap();
        }
        let bits = |sums: &Accumulator| sums.sums().iter().map(|sum| sum.to_bits()).collect::<Vec<u64>>();
        assert!(bits(&back.sums) == bits(&arena.sums) && back.sums.visits() == arena.sums.visits());
        assert_eq!(back.sums.visits().iter().sum::<u32>(), 200);
        let first = arena.first_half.as_ref().unwrap();
        assert!(bits(&half.sums) == bits(first) && half.sums.visits() == first.visits());
        assert_eq!(half.sums.visits().iter().sum::<u32>(), 90);
        let [first, second] = arena.halves(0..3).unwrap();
        assert_eq!((first.occupancy.sum(), second.occupancy.sum()), (90, 110));
    }

    #[test]
    fn sums_in_other_bins_are_refused_with_the_remedy() {
        let frame = frames(&empty(5)).next().unwrap();
        let error = crate::failure::render(&restore(&RATEMAP_SUMS, &frame, 0..frame.rows(), &mut empty(6), "run").unwrap_err());
        for word in ["ratemap_sums of run", "arena box", "of 5 along each side", "analyze.ratemap.bins is 6", "hint: record it anew"] {
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}
