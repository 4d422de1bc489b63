//! Spikes along a tracked path become rates.

use super::error::ImportError;
use super::mapping::Mapping;
use super::moments::{MomentReader, Moments};
use super::rows::{BATCH_ROWS, Whereabouts};
use super::source::Source;
use super::spikes::SpikeTrains;
use std::sync::Arc;

/// Where the spikes went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpikeCount {
    /// In moments of the import.
    pub counted: u64,
    /// Before the first or after the last tracked sample.
    pub outside: u64,
    /// In pauses of the tracking, or while there was no position.
    pub in_gaps: u64,
}

/// One tracked sample, or several that make a moment.
#[derive(Clone, Debug)]
struct Sample {
    path: u32,
    t: u32,
    time_s: f64,
    position_m: [f64; 2],
    velocity_m: [f64; 2],
    arena: Option<Arc<str>>,
}

/// Moments whose activity is the units' rates, Hz.
///
/// A sample lasts until the next one; before a pause longer than `spikes.max_gap_s`, and at the end of a path, as long as the sample before it. With
/// `spikes.bin_s`, samples that begin in the same bin make one moment: their mean position, each weighed by how long it lasts, and all their spikes.
pub struct BinnedReader<'a> {
    trains: &'a SpikeTrains,
    place: Whereabouts,
    samples: MomentReader,
    batch: std::vec::IntoIter<Sample>,
    /// The sample whose end is not known yet, and how long the one before it lasted; NaN at the beginning of a stretch.
    open: Option<(Sample, f64)>,
    /// The next spike.
    next: usize,
    /// Where the sample before ended.
    until_s: f64,
    count: SpikeCount,
    bin_s: f64,
    max_gap_s: f64,
    bin: Option<Bin>,
    /// Where bins of this stretch begin.
    stretch_s: f64,
    /// Path, number and position of the moment before, for times and velocities of bins.
    last: Option<(u32, u32, [f64; 2])>,
    ended: bool,
    skipped: u64,
}

/// Samples that make one moment.
struct Bin {
    number: f64,
    first: Sample,
    lasts_s: f64,
    /// Positions times seconds.
    moment: [f64; 2],
    spikes: Vec<u32>,
}

impl<'a> BinnedReader<'a> {
    /// Reads the path from its beginning.
    ///
    /// # Errors
    /// A path without times; a file that cannot be read.
    pub fn new(source: &Source, trains: &'a SpikeTrains, mapping: &Mapping) -> Result<Self, ImportError> {
        if source.resolved.seconds.is_nan() {
            let message = format!(
                "is not known for {}; spikes need the times of the tracked samples: name time.column, or time.sampling_hz",
                source.path.display()
            );
            return Err(ImportError::mapping("time.column", message));
        }
        Ok(Self {
            trains,
            place: source.whereabouts(),
            samples: MomentReader::with(source, mapping, false, true)?,
            batch: Vec::new().into_iter(),
            open: None,
            next: 0,
            until_s: f64::NEG_INFINITY,
            count: SpikeCount::default(),
            bin_s: mapping.spikes.bin_s,
            max_gap_s: mapping.spikes.max_gap_s,
            bin: None,
            stretch_s: f64::NAN,
            last: None,
            ended: false,
            skipped: 0,
        })
    }

    /// Where the spikes went; whole once all moments were read.
    pub fn spikes(&self) -> SpikeCount {
        self.count
    }

    /// Samples that stand alone between two pauses, so that nobody knows how long they last; they are left out.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    fn sample(&mut self) -> Result<Option<Sample>, ImportError> {
        loop {
            if let Some(sample) = self.batch.next() {
                return Ok(Some(sample));
            }
            let Some(moments) = self.samples.next().transpose()? else { return Ok(None) };
            let sample = |row: usize| Sample {
                path: moments.path[row],
                t: moments.t[row],
                time_s: moments.time_s[row],
                position_m: moments.position_m[row],
                velocity_m: moments.velocity_m[row],
                arena: moments.arena[row].clone(),
            };
            self.batch = (0..moments.len()).map(sample).collect::<Vec<_>>().into_iter();
        }
    }

    /// Ends the open sample, given the one after it.
    fn close(&mut self, after: Option<&Sample>, moments: &mut Moments) {
        let Some((sample, before_s)) = self.open.take() else { return };
        let follows = after.filter(|after| after.path == sample.path && after.time_s - sample.time_s <= self.max_gap_s);
        let lasts_s = follows.map_or(before_s, |after| after.time_s - sample.time_s);
        if before_s.is_nan() {
            self.stretch_s = sample.time_s;
        }
        if lasts_s.is_nan() {
            self.skipped += 1;
            self.flush(moments);
        } else {
            // The next path may begin before the usual end.
            let end_s = after.map_or(f64::INFINITY, |after| after.time_s).min(sample.time_s + lasts_s);
            self.moment(&sample, end_s, moments);
        }
        if let Some(after) = after {
            self.open = Some((after.clone(), if follows.is_some() { lasts_s } else { f64::NAN }));
            if follows.is_none() {
                self.flush(moments);
            }
        }
    }

    /// Counts the spikes of `sample`, which lasts until `end_s`.
    fn moment(&mut self, sample: &Sample, end_s: f64, moments: &mut Moments) {
        let spikes = &self.trains.spikes;
        let first = self.until_s == f64::NEG_INFINITY;
        let here = self.next + spikes[self.next..].partition_point(|spike| spike.0 < sample.time_s);
        let missed = (here - self.next) as u64;
        if first {
            self.count.outside += missed;
        } else {
            self.count.in_gaps += missed;
        }
        self.next = here + spikes[here..].partition_point(|spike| spike.0 < end_s);
        self.until_s = end_s;
        let own = &spikes[here..self.next];
        if !sample.position_m.iter().all(|place| place.is_finite()) {
            self.count.in_gaps += own.len() as u64;
            self.flush(moments);
            return;
        }
        let number = if self.bin_s > 0.0 { ((sample.time_s - self.stretch_s) / self.bin_s).floor() } else { f64::NAN };
        if self.bin.as_ref().is_none_or(|bin| bin.number != number) {
            self.flush(moments);
        }
        let bin = self.bin.get_or_insert_with(|| Bin {
            number,
            first: sample.clone(),
            lasts_s: 0.0,
            moment: [0.0; 2],
            spikes: vec![0; self.trains.units.len()],
        });
        let lasts_s = end_s - sample.time_s;
        bin.lasts_s += lasts_s;
        for axis in 0..2 {
            bin.moment[axis] += sample.position_m[axis] * lasts_s;
        }
        for (_, unit) in own {
            bin.spikes[*unit as usize] += 1;
        }
        self.count.counted += own.len() as u64;
    }

    /// Hands on the bin.
    fn flush(&mut self, moments: &mut Moments) {
        let Some(bin) = self.bin.take() else { return };
        let first = bin.first;
        let binned = self.bin_s > 0.0;
        let position_m = if binned { bin.moment.map(|sum| sum / bin.lasts_s) } else { first.position_m };
        let before = self.last.filter(|(path, _, _)| *path == first.path);
        let t = if binned { before.map_or(1, |(_, t, _)| t.saturating_add(1)) } else { first.t };
        // Bins follow each other only within a stretch, whose first bin has the number 0.
        let velocity_m = match before {
            _ if !binned => first.velocity_m,
            Some((_, _, before_m)) if bin.number > 0.0 => [position_m[0] - before_m[0], position_m[1] - before_m[1]],
            _ => [f64::NAN; 2],
        };
        self.last = Some((first.path, t, position_m));
        moments.path.push(first.path);
        moments.t.push(t);
        moments.time_s.push(first.time_s);
        moments.position_m.push(position_m);
        moments.velocity_m.push(velocity_m);
        moments.arena.push(first.arena);
        moments.g.extend(bin.spikes.iter().map(|spikes| (f64::from(*spikes) / bin.lasts_s) as f32));
    }

    fn batch(&mut self) -> Result<Moments, ImportError> {
        let mut moments = Moments { units: self.trains.units.len(), ..Moments::default() };
        while moments.len() < BATCH_ROWS && !self.ended {
            if let Some(sample) = self.sample()? {
                if self.open.as_ref().is_some_and(|(open, _)| sample.time_s <= open.time_s) {
                    return Err(self.place.refuse(format!(
                        "time goes back to {} s where another trajectory begins; spikes need one clock: sort the trajectories by time",
                        sample.time_s
                    )));
                }
                if self.open.is_none() {
                    self.open = Some((sample, f64::NAN));
                } else {
                    self.close(Some(&sample), &mut moments);
                }
            } else {
                self.close(None, &mut moments);
                self.flush(&mut moments);
                self.count.outside += (self.trains.spikes.len() - self.next) as u64;
                self.ended = true;
            }
        }
        Ok(moments)
    }
}

impl Iterator for BinnedReader<'_> {
    type Item = Result<Moments, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let batch = self.batch();
        if batch.is_err() {
            self.ended = true;
        }
        Some(batch)
    }
}
