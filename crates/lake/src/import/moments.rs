//! Checked moments in metres and seconds, out of a file's rows.

use super::error::ImportError;
use super::items::Item;
use super::mapping::{Mapping, Missing, Per};
use super::rows::{Batches, Rows, Whereabouts, unit_names};
use super::source::Source;
use std::collections::HashSet;
use std::sync::Arc;

/// Some moments of a file, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// The uninterrupted path that each belongs to, from 0 in the order of the file.
    pub path: Vec<u32>,
    /// Its number in that path, from 1; moments that were left out count.
    pub t: Vec<u32>,
    /// Time, s; NaN = not known.
    pub time_s: Vec<f64>,
    /// Position (x, y) in the file's frame, m.
    pub position_m: Vec<[f64; 2]>,
    /// Velocity (x, y) of the step that led here, m per step; NaN = not known.
    pub velocity_m: Vec<[f64; 2]>,
    /// Label of the arena; `None` where the file has none.
    pub arena: Vec<Option<Arc<str>>>,
    /// Units of each moment; 0 where they were not read.
    pub units: usize,
    /// Activity, `moments * units`.
    pub g: Vec<f32>,
}

impl Moments {
    /// Number of moments.
    pub fn len(&self) -> usize {
        self.t.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }
}

/// Moments of one file, batch by batch.
pub struct MomentReader {
    place: Whereabouts,
    rows: Batches,
    rules: Rules,
    state: State,
    row: u64,
    dropped: u64,
    names: Vec<String>,
    /// What the names are made from.
    units: Vec<Item>,
    position_name: String,
    time_name: String,
}

/// How rows are read.
struct Rules {
    metres: f64,
    seconds: f64,
    missing: Missing,
    /// Whether moments without a position are handed on, with NaN.
    keep_missing: bool,
    per: Per,
}

/// Labels of an arena and a trajectory, where there are any.
type Key = (Option<Arc<str>>, Option<Arc<str>>);

/// What is known of the rows before.
#[derive(Default)]
struct State {
    /// Arena and trajectory of the row before.
    key: Option<Key>,
    ended: HashSet<Key>,
    path: u32,
    t: u32,
    time_s: f64,
    /// NaN after a moment without one.
    position_m: [f64; 2],
}

impl MomentReader {
    /// Reads from the file's beginning; without units where only the path is wanted.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn new(source: &Source, mapping: &Mapping, with_units: bool) -> Result<Self, ImportError> {
        Self::with(source, mapping, with_units, false)
    }

    pub(super) fn with(source: &Source, mapping: &Mapping, with_units: bool, keep_missing: bool) -> Result<Self, ImportError> {
        let named = |items: &[usize]| items.iter().map(|item| source.items[*item].name.clone()).collect::<Vec<String>>().join(", ");
        let units: Vec<Item> = source.resolved.units.iter().map(|unit| source.items[*unit].clone()).collect();
        Ok(Self {
            place: source.whereabouts(),
            rows: source.rows(mapping, with_units)?,
            rules: Rules {
                metres: source.resolved.metres,
                seconds: source.resolved.seconds,
                missing: mapping.position.missing,
                keep_missing,
                per: mapping.velocity.per,
            },
            state: State { position_m: [f64::NAN; 2], ..State::default() },
            row: 0,
            dropped: 0,
            names: Vec::new(),
            units,
            position_name: named(&source.resolved.position),
            time_name: named(&source.resolved.time.into_iter().collect::<Vec<usize>>()),
        })
    }

    /// Moments that were left out so far because they have no position.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Names of the units; empty before the first batch.
    pub fn unit_names(&self) -> &[String] {
        &self.names
    }

    fn check(&mut self, rows: &Rows) -> Result<Moments, ImportError> {
        if self.names.is_empty() && !rows.widths.is_empty() {
            self.names = unit_names(&self.units.iter().collect::<Vec<_>>(), &rows.widths);
        }
        let mut moments = Moments { units: rows.units, ..Moments::default() };
        for row in 0..rows.count() {
            let at = self.row + row as u64;
            self.enter(rows, row, at)?;
            let time_s = self.time(rows, row, at)?;
            let before_s = std::mem::replace(&mut self.state.time_s, time_s);
            let position_m = [rows.position[0][row] * self.rules.metres, rows.position[1][row] * self.rules.metres];
            let before_m = std::mem::replace(&mut self.state.position_m, position_m);
            if !position_m.iter().all(|place| place.is_finite()) {
                self.state.position_m = [f64::NAN; 2];
                if position_m.iter().any(|place| place.is_infinite()) || self.rules.missing == Missing::Refuse {
                    let (shown, name) = (rows.position.each_ref().map(|axis| axis[row]), &self.position_name);
                    return Err(self.place.refuse(format!(
                        "{}, column {name}: the position is ({}, {}); correct it, or leave such moments out with position.missing = \"drop\" \
                         (infinities are always refused)",
                        self.place.row(at),
                        shown[0],
                        shown[1]
                    )));
                }
                self.dropped += 1;
                if !self.rules.keep_missing {
                    continue;
                }
            }
            let velocity_m = match &rows.velocity {
                None => [position_m[0] - before_m[0], position_m[1] - before_m[1]],
                Some(velocity) => {
                    let steps = if self.rules.per == Per::S { time_s - before_s } else { 1.0 };
                    [0, 1].map(|axis| velocity[axis][row] * self.rules.metres * steps)
                }
            };
            // One axis alone is of no use, and infinity is no velocity.
            let known = velocity_m.iter().all(|velocity| velocity.is_finite());
            let g = &rows.g[row * rows.units..(row + 1) * rows.units];
            if let Some(unit) = g.iter().position(|value| !value.is_finite()) {
                let name = self.names.get(unit).map_or_else(|| unit.to_string(), Clone::clone);
                return Err(self.place.refuse(format!(
                    "{}, column {name}: the activity is {}, where a finite 32-bit float belongs; correct it, or leave the unit or the row out",
                    self.place.row(at),
                    g[unit]
                )));
            }
            moments.path.push(self.state.path);
            moments.t.push(self.state.t);
            moments.time_s.push(time_s);
            moments.position_m.push(position_m);
            moments.velocity_m.push(if known { velocity_m } else { [f64::NAN; 2] });
            moments.arena.push(rows.arena.as_ref().map(|arena| Arc::clone(&arena[row])));
            moments.g.extend_from_slice(g);
        }
        self.row += rows.count() as u64;
        Ok(moments)
    }

    /// Begins another path where the arena's or trajectory's label changes.
    fn enter(&mut self, rows: &Rows, row: usize, at: u64) -> Result<(), ImportError> {
        let label = |labels: &Option<Vec<Arc<str>>>| labels.as_ref().map(|labels| Arc::clone(&labels[row]));
        let key = (label(&rows.arena), label(&rows.trajectory));
        let state = &mut self.state;
        if state.key.as_ref() != Some(&key) {
            if let Some(before) = state.key.replace(key.clone()) {
                state.ended.insert(before);
                state.path += 1;
            }
            if state.ended.contains(&key) {
                let shown = [key.1.as_deref(), key.0.as_deref()].into_iter().flatten().collect::<Vec<&str>>().join(" in ");
                let remedy = if key.1.is_some() {
                    "sort the rows by trajectory, then time"
                } else {
                    "name a column of trajectories, or sort the rows by arena, then time"
                };
                return Err(self.place.refuse(format!("{}: {shown} comes back after another one; {remedy}", self.place.row(at))));
            }
            (state.t, state.time_s, state.position_m) = (0, f64::NAN, [f64::NAN; 2]);
        }
        let Some(t) = state.t.checked_add(1) else {
            return Err(self.place.refuse("has more moments in one trajectory than can be counted; name a column of trajectories"));
        };
        state.t = t;
        Ok(())
    }

    fn time(&self, rows: &Rows, row: usize, at: u64) -> Result<f64, ImportError> {
        let Some(times) = &rows.time else { return Ok(f64::from(self.state.t - 1) * self.rules.seconds) };
        let (time_s, before_s) = (times[row] * self.rules.seconds, self.state.time_s);
        let refuse = |what: String| Err(self.place.refuse(format!("{}, column {}: {what}", self.place.row(at), self.time_name)));
        if !time_s.is_finite() {
            return refuse(format!("the time is {}; give every moment a finite time, or set time.column to \"none\"", times[row]));
        }
        if time_s == before_s {
            return refuse(format!(
                "the time {} is that of the row before; remove duplicate rows, or name the column of trajectories",
                times[row]
            ));
        }
        if time_s < before_s {
            return refuse(format!(
                "the time {} is before that of the row before; sort the rows by trajectory, then time, or name the column of trajectories",
                times[row]
            ));
        }
        Ok(time_s)
    }
}

impl Iterator for MomentReader {
    type Item = Result<Moments, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.rows.next()?;
        Some(rows.and_then(|rows| self.check(&rows)))
    }
}
