//! Writes checked moments of other software into the lake, arena by arena: the tables that recording a network writes.

use super::geometry;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Progress;
use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::import::{
    BinnedReader, ImportError, Mapping, MomentReader, Moments, Shape, Source, SpikeCount, SpikeTrains, Survey, Surveyed,
};
use gridlake_lake::partition::Publication;
use gridlake_lake::schema::ACTIVITY;
use gridlake_space::arena::Arena;
use gridlake_space::bins::Bins;
use serde_json::{Value, json};

/// Rows of one frame, whatever the readers' batches are, so that the same moments make the same bytes.
const FRAME_ROWS: usize = 1024;
/// Sides of boxes that are taken without being named, m: a box of 1 m in centimetres or millimetres is none of them.
const LIKELY_SIDES_M: std::ops::Range<f64> = 0.05..50.0;

/// What an import reads.
pub(crate) struct Inputs<'a> {
    pub(crate) sources: &'a [Source],
    pub(crate) mapping: &'a Mapping,
    pub(crate) spikes: Option<&'a SpikeTrains>,
    pub(crate) survey: &'a Survey,
}

/// What an import wrote.
pub(crate) struct Written {
    /// Names of the units.
    pub(crate) units: Vec<String>,
    /// One for each arena.
    pub(crate) arenas: Vec<WrittenArena>,
    /// With spikes: where they went, and samples that nobody knows the duration of.
    pub(crate) spikes: Option<(SpikeCount, u64)>,
}

/// One arena's moments in sum.
pub(crate) struct WrittenArena {
    pub(crate) label: String,
    pub(crate) arena: Arena,
    pub(crate) centre_m: [f64; 2],
    pub(crate) moments: u64,
    pub(crate) trajectories: u32,
    /// Moments outside the arena, which no bin counts.
    pub(crate) outside: u64,
}

impl WrittenArena {
    pub(crate) fn notes(&self) -> Value {
        json!({
            "box_m": geometry::box_m(&self.arena), "shape": geometry::shape(&self.arena), "width_m": self.arena.width_m,
            "height_m": self.arena.height_m, "centre_m": self.centre_m, "moments": self.moments, "trajectories": self.trajectories, "outside": self.outside,
        })
    }
}

/// An arena with its place in the file's frame.
pub(crate) struct Box {
    pub(crate) label: String,
    pub(crate) arena: Arena,
    pub(crate) centre_m: [f64; 2],
}

/// The box of an arena, or its circle: as the mapping has it, else around the positions.
///
/// # Errors
/// Positions that make no likely box.
pub(crate) fn box_of(arena: &Surveyed, source: &Source, mapping: &Mapping) -> Result<Box, Failure> {
    let own = &mapping.arena;
    let extents = [0, 1].map(|axis| arena.most_m[axis] - arena.least_m[axis]);
    let longer = extents[0].max(extents[1]);
    let side = |named: f64, extent: f64| {
        let side_m = if named > 0.0 { named } else { rounded_up(extent) };
        if named > 0.0 || LIKELY_SIDES_M.contains(&side_m) {
            return Ok(side_m);
        }
        Err(Failure::data(format!("{}: the positions extend over {extent} m, which is no likely box", source.path().display()))
            .hint("is position.unit right (m, cm, mm, px)? If it is, name the box with arena.side_m (and arena.height_m of a rectangle)"))
    };
    let geometry = match own.shape {
        Shape::Square => Arena::square(side(own.side_m, longer)?),
        Shape::Rectangle => Arena::rectangle(side(own.side_m, extents[0])?, side(own.height_m, extents[1])?),
        Shape::Circle => Arena::circle(side(own.side_m, longer)?),
    };
    let centre_m = match own.centre_m.as_slice() {
        [x, y] => [*x, *y],
        _ => [0, 1].map(|axis| f64::midpoint(arena.least_m[axis], arena.most_m[axis])),
    };
    let named = arena.label.as_deref().unwrap_or(&own.label);
    let label = if named.is_empty() { geometry.label() } else { named.to_owned() };
    Ok(Box { label, arena: geometry, centre_m })
}

/// A length with three digits, not less than it was.
fn rounded_up(length: f64) -> f64 {
    if length <= 0.0 || !length.is_finite() {
        return length;
    }
    // Powers of ten divide exactly in decimal, so that 0.988 is written so and not as 0.9880000000000001.
    let digits = 2 - length.log10().floor() as i32;
    let factor = 10_f64.powi(digits.abs());
    // 1.1 m are 110.00000000000001 cm in binary, and not 111.
    let up = |units: f64| if (units - units.round()).abs() < 1e-9 * units { units.round() } else { units.ceil() };
    if digits >= 0 { up(length * factor) / factor } else { up(length / factor) * factor }
}

/// Writes tables `activity` and `occupancy`.
///
/// # Errors
/// What the readers refuse; files with unequal numbers of units; most moments outside the arena; a full disk; an interrupt.
pub(crate) fn write(
    inputs: &Inputs<'_>,
    boxes: &[Box],
    publication: &mut Publication<'_>,
    progress: &mut Progress,
    explain: &dyn Fn(ImportError) -> Failure,
) -> Result<Written, Failure> {
    let mut written = Written { units: Vec::new(), arenas: Vec::new(), spikes: None };
    let mut done = 0;
    for (surveyed, own) in inputs.survey.arenas.iter().zip(boxes) {
        let mut sink = Sink::new(own, inputs.mapping.occupancy.bins, publication);
        for &file in &surveyed.files {
            let source = &inputs.sources[file];
            let mut take = |moments: Result<Moments, ImportError>| -> Result<(), Failure> {
                let moments = moments.map_err(explain)?;
                interrupt::check("import")?;
                for row in 0..moments.len() {
                    if surveyed.label == moments.arena[row] {
                        sink.add(file, &moments, row)?;
                        done += 1;
                    }
                }
                progress.update(done, || own.label.clone());
                Ok(())
            };
            let names = if let Some(trains) = inputs.spikes {
                let mut reader = BinnedReader::new(source, trains, inputs.mapping).map_err(explain)?;
                for moments in reader.by_ref() {
                    take(moments)?;
                }
                let (count, skipped) = (reader.spikes(), reader.skipped());
                if count.outside > count.counted + count.in_gaps {
                    return Err(Failure::data(format!(
                        "{} spikes are outside the tracked time of {}, and only {} inside",
                        count.outside,
                        source.path().display(),
                        count.counted + count.in_gaps
                    ))
                    .hint("are times of spikes and of the path in the same unit? See time.unit and spikes.time_unit"));
                }
                written.spikes = Some((count, skipped));
                trains.units.clone()
            } else {
                let mut reader = MomentReader::new(source, inputs.mapping, true).map_err(explain)?;
                for moments in reader.by_ref() {
                    take(moments)?;
                }
                reader.unit_names().to_vec()
            };
            if written.units.is_empty() {
                written.units = names;
            } else if written.units.len() != names.len() {
                let (first, path) = (inputs.sources[0].path().display(), source.path().display());
                return Err(Failure::data(format!("{path} has {} units, where {first} has {}", names.len(), written.units.len()))
                    .hint("import files of the same units together, and others under another name"));
            }
        }
        written.arenas.push(sink.finish(own)?);
    }
    Ok(written)
}

/// One arena's rows on their way into the tables.
struct Sink<'s, 'l> {
    arena: &'s Box,
    publication: &'s mut Publication<'l>,
    bins: Bins,
    visits: Vec<u32>,
    units: usize,
    rows: Moments,
    trajectories: Vec<u32>,
    /// File and path of the row before.
    path: Option<(usize, u32)>,
    count: WrittenArena,
}

impl<'s, 'l> Sink<'s, 'l> {
    fn new(arena: &'s Box, bins: usize, publication: &'s mut Publication<'l>) -> Self {
        let bins = Bins::square(arena.arena, bins);
        let count = WrittenArena {
            label: arena.label.clone(),
            arena: arena.arena,
            centre_m: arena.centre_m,
            moments: 0,
            trajectories: 0,
            outside: 0,
        };
        let visits = vec![0; bins.len()];
        Self { arena, publication, bins, visits, units: 0, rows: Moments::default(), trajectories: Vec::new(), path: None, count }
    }

    fn add(&mut self, file: usize, moments: &Moments, row: usize) -> Result<(), Failure> {
        if self.count.moments > 0 && moments.units != self.units {
            // The files' counts are compared where their names are known; here the frames must stay whole.
            return Err(Failure::data(format!("a file has {} units, where the one before has {}", moments.units, self.units))
                .hint("import files of the same units together, and others under another name"));
        }
        self.units = moments.units;
        if self.path != Some((file, moments.path[row])) {
            self.path = Some((file, moments.path[row]));
            self.count.trajectories += 1;
        }
        let position_m = [0, 1].map(|axis| moments.position_m[row][axis] - self.arena.centre_m[axis]);
        self.count.moments += 1;
        match self.bins.index(position_m[0], position_m[1]) {
            Some(bin) => self.visits[bin] = self.visits[bin].saturating_add(1),
            None => self.count.outside += 1,
        }
        self.trajectories.push(self.count.trajectories - 1);
        self.rows.t.push(moments.t[row]);
        self.rows.time_s.push(moments.time_s[row]);
        self.rows.position_m.push(position_m);
        self.rows.velocity_m.push(moments.velocity_m[row]);
        self.rows.g.extend_from_slice(&moments.g[row * self.units..(row + 1) * self.units]);
        if self.rows.len() == FRAME_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let rows = std::mem::take(&mut self.rows);
        let count = rows.len();
        if count == 0 {
            return Ok(());
        }
        let along = |pairs: &[[f64; 2]], axis: usize| pairs.iter().map(|pair| pair[axis]).collect::<Vec<f64>>();
        let frame = Frame::new(&ACTIVITY, count)
            .with("arena", Data::repeat(&self.arena.label, count))
            .with("box_m", vec![geometry::box_m(&self.arena.arena); count])
            .with("trajectory", std::mem::take(&mut self.trajectories))
            .with("t", rows.t)
            .with("x_m", along(&rows.position_m, 0))
            .with("y_m", along(&rows.position_m, 1))
            .with("vx_m", along(&rows.velocity_m, 0))
            .with("vy_m", along(&rows.velocity_m, 1))
            .with("g", Data::Floats { length: self.units, values: rows.g })
            .with("time_s", rows.time_s);
        Ok(self.publication.write(&frame)?)
    }

    /// Writes what is left, and the arena's occupancy.
    fn finish(mut self, arena: &Box) -> Result<WrittenArena, Failure> {
        self.flush()?;
        if self.count.moments == 0 {
            return Err(
                Failure::data(format!("{}: no moment is left", arena.label)).hint("are times of spikes and of the path in the same unit?")
            );
        }
        if self.count.outside * 2 > self.count.moments {
            return Err(Failure::data(format!(
                "{} of {} moments are outside the {} of {} around ({}, {}) m",
                self.count.outside,
                self.count.moments,
                geometry::noun(&arena.arena),
                geometry::extent(&arena.arena),
                arena.centre_m[0],
                arena.centre_m[1]
            ))
            .hint("are position.unit, arena.shape, arena.side_m, arena.height_m and arena.centre_m right?"));
        }
        self.publication.write(geometry::occupancy(&arena.label, &self.bins, self.visits))?;
        Ok(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_rounded_up_to_three_digits() {
        for (length, side) in [
            (0.9873, 0.988),
            (1.0, 1.0),
            (1.1, 1.1),
            (2.2, 2.2),
            (0.999_9, 1.0),
            (2.000_01, 2.01),
            (0.051_23, 0.0513),
            (1234.5, 1240.0),
            (98.76, 98.8),
        ] {
            assert_eq!(rounded_up(length), side, "{length}");
        }
        assert_eq!(format!("{}", rounded_up(0.987_346_1)), "0.988");
    }
}
