//! Activity added up in bins, arena by arena: what ratemaps are made from.
//!
//! It comes from the table `ratemap_sums`, where a recording left it there because it does not keep all activity, else from `activity`. Both give
//! the same bits: sums run in the order of trajectory and time either way. One arena's sums are held at a time.

use crate::failure::Failure;
use crate::interrupt;
use crate::plan::Stage;
use crate::workspace::Workspace;
use gridlake_analysis::Accumulator;
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::partition;
use gridlake_lake::schema::{ACTIVITY, RATEMAP_SUMS};
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use std::ops::Range;
use std::sync::Arc;

/// Sums in one frame of the table: 4 MiB.
const FRAME_SUMS: usize = 1 << 19;

/// One arena as a table names it, with the sums of all its moments.
pub(crate) struct ArenaSums {
    pub(crate) label: Arc<str>,
    pub(crate) box_m: f64,
    pub(crate) sums: Accumulator,
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
    let mut open: Option<ArenaSums> = None;
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
                if let Some(done) = open.take() {
                    work(done)?;
                }
                if seen.contains(&label) {
                    let message = format!("table {} of {run}: rows of the arena {label} do not follow each other", table.name);
                    return Err(Failure::data(message).hint("sort the rows by arena, trajectory, t, or record it anew with --force"));
                }
                seen.push(Arc::clone(&label));
                let sums = Accumulator::new(Bins::square(Arena::square(boxes[row]), bins), units);
                open = Some(ArenaSums { label, box_m: boxes[row], sums });
            }
            if let Some(arena) = &mut open {
                if added_up {
                    restore(&frame, rows.clone(), arena, run)?;
                } else {
                    add(&frame, rows.clone(), arena);
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

/// Rows of `activity`.
fn add(frame: &Frame, rows: Range<usize>, arena: &mut ArenaSums) {
    let (x, y, (units, states)) = (frame.float64("x_m"), frame.float64("y_m"), frame.floats("g"));
    for row in rows {
        arena.sums.add(x[row], y[row], &states[row * units..(row + 1) * units]);
    }
}

/// Rows of `ratemap_sums`.
fn restore(frame: &Frame, rows: Range<usize>, arena: &mut ArenaSums, run: &str) -> Result<(), Failure> {
    let (recorded, visits, (units, sums)) = (frame.uint32("bins"), frame.uint32("visits"), frame.doubles("sums"));
    let (bin_x, bin_y) = (frame.uint32("bin_x"), frame.uint32("bin_y"));
    let bins = arena.sums.bins().nx;
    for row in rows {
        let (x, y) = (bin_x[row] as usize, bin_y[row] as usize);
        if recorded[row] as usize != bins || x >= bins || y >= bins {
            let message = format!(
                "table ratemap_sums of {run}, arena {}: bin ({x}, {y}) of {} along each side, where analyze.ratemap.bins is {bins}",
                arena.label, recorded[row]
            );
            return Err(
                Failure::data(message).hint("record it anew (`gridlake record PIPELINE --force`), or set the bins it was recorded with")
            );
        }
        arena.sums.restore(y * bins + x, visits[row], &sums[row * units..(row + 1) * units]);
    }
    Ok(())
}

/// Rows of `ratemap_sums`, in frames of bounded size.
pub(crate) fn frames(arena: &ArenaSums) -> impl Iterator<Item = Frame> + '_ {
    let (units, bins, count) = (arena.sums.units(), arena.sums.bins().nx, arena.sums.bins().len());
    let at_once = (FRAME_SUMS / units.max(1)).max(1);
    (0..count).step_by(at_once).map(move |first| {
        let range = first..(first + at_once).min(count);
        let rows = range.len();
        Frame::new(&RATEMAP_SUMS, rows)
            .with("arena", Data::repeat(&arena.label, rows))
            .with("box_m", vec![arena.box_m; rows])
            .with("bins", vec![bins as u32; rows])
            .with("bin_x", range.clone().map(|bin| (bin % bins) as u32).collect::<Vec<u32>>())
            .with("bin_y", range.clone().map(|bin| (bin / bins) as u32).collect::<Vec<u32>>())
            .with("visits", arena.sums.visits()[range.clone()].to_vec())
            .with("sums", Data::Doubles { length: units, values: arena.sums.sums()[range.start * units..range.end * units].to_vec() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(bins: usize) -> ArenaSums {
        ArenaSums { label: "box".into(), box_m: 2.0, sums: Accumulator::new(Bins::square(Arena::square(2.0), bins), 3) }
    }

    #[test]
    fn sums_come_back_to_the_bit() {
        let mut arena = empty(5);
        for moment in 0..200_u32 {
            let at = |step: f64| (f64::from(moment) * step).sin();
            arena.sums.add(at(0.7), at(0.3), &[at(0.1) as f32, 0.1, f32::MIN_POSITIVE]);
        }
        let mut back = empty(5);
        for frame in frames(&arena) {
            restore(&frame, 0..frame.rows(), &mut back, "run").unwrap();
        }
        let bits = |arena: &ArenaSums| arena.sums.sums().iter().map(|sum| sum.to_bits()).collect::<Vec<u64>>();
        assert!(bits(&back) == bits(&arena) && back.sums.visits() == arena.sums.visits());
        assert_eq!(back.sums.visits().iter().sum::<u32>(), 200);
    }

    #[test]
    fn sums_in_other_bins_are_refused_with_the_remedy() {
        let frame = frames(&empty(5)).next().unwrap();
        let error = crate::failure::render(&restore(&frame, 0..frame.rows(), &mut empty(6), "run").unwrap_err());
        for word in ["ratemap_sums of run", "arena box", "of 5 along each side", "analyze.ratemap.bins is 6", "hint: record it anew"] {
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}
