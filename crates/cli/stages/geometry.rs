//! What arenas are like: columns of the table `occupancy`, from which later stages know it.

use crate::failure::Failure;
use crate::workspace::Workspace;
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::partition;
use gridlake_lake::schema::OCCUPANCY;
use gridlake_space::arena::{Arena, ArenaShape};
use gridlake_space::bins::Bins;
use std::collections::HashMap;
use std::sync::Arc;

/// What the column `box_m` holds: the longer side.
pub(crate) fn box_m(arena: &Arena) -> f64 {
    arena.width_m.max(arena.height_m)
}

/// "box" or "circle".
pub(crate) fn noun(arena: &Arena) -> &'static str {
    if arena.shape == ArenaShape::Circle { "circle" } else { "box" }
}

/// "1.2 m × 0.8 m"; "1 m" of a square or a circle.
pub(crate) fn extent(arena: &Arena) -> String {
    if arena.width_m == arena.height_m { format!("{} m", arena.width_m) } else { format!("{} m × {} m", arena.width_m, arena.height_m) }
}

/// What the column `arena_shape` holds.
pub(crate) fn shape(arena: &Arena) -> &'static str {
    match arena.shape {
        ArenaShape::Circle => "circle",
        ArenaShape::Rectangle if arena.width_m == arena.height_m => "square",
        ArenaShape::Rectangle => "rectangle",
    }
}

/// The arena's rows of `occupancy`.
pub(crate) fn occupancy(label: &str, bins: &Bins, visits: Vec<u32>) -> Frame {
    let (arena, rows) = (&bins.arena, bins.len());
    let centres: Vec<(f64, f64)> = (0..rows).map(|bin| bins.centre(bin)).collect();
    Frame::new(&OCCUPANCY, rows)
        .with("arena", Data::repeat(label, rows))
        .with("box_m", vec![box_m(arena); rows])
        .with("bin_x", (0..rows).map(|bin| (bin % bins.nx) as u32).collect::<Vec<u32>>())
        .with("bin_y", (0..rows).map(|bin| (bin / bins.nx) as u32).collect::<Vec<u32>>())
        .with("x_m", centres.iter().map(|centre| centre.0).collect::<Vec<f64>>())
        .with("y_m", centres.iter().map(|centre| centre.1).collect::<Vec<f64>>())
        .with("visits", visits)
        .with("arena_shape", Data::repeat(shape(arena), rows))
        .with("width_m", vec![arena.width_m; rows])
        .with("height_m", vec![arena.height_m; rows])
}

/// Arenas by their labels. Those that an older gridlake recorded are not among them: they are squares of `box_m`.
///
/// # Errors
/// A torn table, or one that tells of no arena there can be.
pub(crate) fn read(workspace: &Workspace<'_>) -> Result<HashMap<Arc<str>, Arena>, Failure> {
    let (lake, run, step) = (workspace.lake, &workspace.run.name, workspace.last_step());
    let mut found = HashMap::new();
    if !partition::exists(lake, &OCCUPANCY, run, step)? {
        return Ok(found);
    }
    for frame in partition::read(lake, &OCCUPANCY, run, step, &["arena", "arena_shape", "width_m", "height_m"])? {
        let frame = frame?;
        add(&mut found, &frame).map_err(|message| {
            Failure::data(format!("table occupancy of {run}: {message}")).hint("record it anew with --force (or import it again)")
        })?;
    }
    Ok(found)
}

fn add(found: &mut HashMap<Arc<str>, Arena>, frame: &Frame) -> Result<(), String> {
    let (labels, shapes) = (frame.text("arena"), frame.text("arena_shape"));
    for row in 0..frame.rows() {
        let (Some(label), Some(shape)) = (&labels[row], &shapes[row]) else { continue };
        let (width_m, height_m) = (frame.float64("width_m")[row], frame.float64("height_m")[row]);
        let arena = match &**shape {
            "square" | "rectangle" => Some(Arena::rectangle(width_m, height_m)),
            "circle" if width_m == height_m => Some(Arena::circle(width_m)),
            _ => None,
        };
        let arena = arena.filter(|_| [width_m, height_m].iter().all(|side| side.is_finite() && *side > 0.0));
        let Some(arena) = arena else { return Err(format!("{label} is a {shape} of {width_m} m by {height_m} m, which no arena is")) };
        if *found.entry(Arc::clone(label)).or_insert(arena) != arena {
            return Err(format!("{label} has two sizes"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arenas_come_back_from_their_table() {
        let mut found = HashMap::new();
        let arenas = [Arena::square(2.0), Arena::rectangle(0.8, 1.2), Arena::circle(1.5)];
        for arena in arenas {
            let frame = occupancy(&arena.label(), &Bins::square(arena, 4), vec![1; 16]);
            assert_eq!(frame.float64("box_m")[0], box_m(&arena));
            add(&mut found, &frame).unwrap();
        }
        assert!(found.len() == 3 && arenas.iter().all(|arena| found[arena.label().as_str()] == *arena));
    }

    #[test]
    fn what_is_no_arena_is_told() {
        let frame = |shape: &str, width_m: f64, height_m: f64| {
            Frame::new(&OCCUPANCY, 1)
                .with("arena", Data::repeat("a", 1))
                .with("arena_shape", Data::repeat(shape, 1))
                .with("width_m", vec![width_m])
                .with("height_m", vec![height_m])
        };
        for (shape, width_m, height_m) in [("circle", 1.0, 2.0), ("hexagon", 1.0, 1.0), ("rectangle", 1.0, f64::NAN), ("square", 0.0, 0.0)]
        {
            assert!(add(&mut HashMap::new(), &frame(shape, width_m, height_m)).is_err(), "{shape}");
        }
        let mut found = HashMap::new();
        add(&mut found, &frame("square", 1.0, 1.0)).unwrap();
        assert!(add(&mut found, &frame("square", 2.0, 2.0)).unwrap_err().contains("two sizes"));
    }
}
