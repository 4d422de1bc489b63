//! Rows out of the arrays of an NPZ file.

use super::archive::{Archive, Numbers};
use super::error::ImportError;
use super::mapping::{Layout, Mapping};
use super::resolve::Resolved;
use super::rows::{BATCH_ROWS, Rows, Whereabouts};
use super::table::check_units;
use std::path::Path;
use std::sync::Arc;

/// Most numbers of an array that must be held whole, because moments are not its slowest axis: 1 GiB.
const MOST_WHOLE: usize = 1 << 27;

/// What rows are: moments, or moments of trajectories.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lead(Vec<usize>);

/// Rows of one or more arrays, batch by batch.
pub(super) struct NpzRows {
    place: Whereabouts,
    rows: usize,
    done: usize,
    /// Moments of each trajectory, where arrays have an axis of trajectories.
    each: Option<usize>,
    position: Vec<Strip>,
    time: Option<Strip>,
    trajectory: Option<Strip>,
    arena: Option<Strip>,
    velocity: Vec<Strip>,
    units: Vec<Strip>,
    widths: Arc<[usize]>,
}

/// One array, row by row.
struct Strip {
    /// Numbers in a row.
    width: usize,
    values: Values,
}

enum Values {
    /// As the file has them: rows are slowest.
    Stream(Box<Numbers>),
    /// Held whole; row `r` of `each` moments is at `(r / each) * strides[0] + (r % each) * strides[1]`, its numbers `strides[2]` apart.
    Whole { values: Vec<f64>, each: usize, strides: [usize; 3] },
}

impl NpzRows {
    /// Opens the wanted arrays.
    ///
    /// # Errors
    /// Arrays that do not fit together; an array that had to be held whole and is too large.
    pub(super) fn open(path: &Path, archive: &Archive, resolved: &Resolved, mapping: &Mapping) -> Result<Self, ImportError> {
        let place = Whereabouts { path: path.to_owned(), lines: false };
        let lead = lead(archive, &resolved.position, path)?;
        let Some(rows) = lead.0.iter().try_fold(1_usize, |product, axis| product.checked_mul(*axis)) else {
            return Err(place.refuse("has more moments than can be counted; write it anew"));
        };
        let open = Opener { place: &place, archive, lead: &lead };
        let pair = |items: &[usize], key: &str| -> Result<Vec<Strip>, ImportError> {
            items.iter().map(|item| open.strip(*item, if items.len() == 1 { Some(2) } else { None }, Layout::Auto, key)).collect()
        };
        let one = |item: Option<usize>, key: &str| item.map(|item| open.strip(item, None, Layout::Auto, key)).transpose();
        let position = pair(&resolved.position, "position.columns")?;
        let mut units = Vec::with_capacity(resolved.units.len());
        for &item in &resolved.units {
            units.push(open.units(item, mapping.units.layout)?);
        }
        let widths: Arc<[usize]> = units.iter().map(|strip| strip.width).collect();
        let count = widths.iter().try_fold(0_usize, |sum, width| sum.checked_add(*width)).unwrap_or(usize::MAX);
        check_units(&place, count, resolved.units.len())?;
        Ok(Self {
            rows,
            done: 0,
            each: (lead.0.len() == 2).then(|| lead.0[1]),
            position,
            time: one(resolved.time, "time.column")?,
            trajectory: one(resolved.trajectory, "trajectory.column")?,
            arena: one(resolved.arena, "arena.column")?,
            velocity: pair(&resolved.velocity, "velocity.columns")?,
            units,
            widths,
            place,
        })
    }

    fn batch(&mut self, count: usize) -> Result<Rows, ImportError> {
        let from = self.done;
        let pair = |strips: &mut [Strip]| -> Result<[Vec<f64>; 2], ImportError> {
            if let [x, y] = strips {
                return Ok([x.take(from, count)?, y.take(from, count)?]);
            }
            let both = strips[0].take(from, count)?;
            Ok([0, 1].map(|axis| both.iter().skip(axis).step_by(2).copied().collect()))
        };
        let position = pair(&mut self.position)?;
        let velocity = if self.velocity.is_empty() { None } else { Some(pair(&mut self.velocity)?) };
        let time = self.time.as_mut().map(|strip| strip.take(from, count)).transpose()?;
        let label = |strip: &mut Option<Strip>| strip.as_mut().map(|strip| strip.take(from, count)).transpose();
        let (own, arena) = (label(&mut self.trajectory)?, label(&mut self.arena)?);
        // Without labels of their own, trajectories go by their number.
        let numbered = || self.each.map(|each| (from..from + count).map(|row| (row / each.max(1)) as f64).collect::<Vec<f64>>());
        let trajectory = own.or_else(numbered).map(|labels| self.labels(&labels)).transpose()?;
        let arena = arena.map(|labels| self.labels(&labels)).transpose()?;
        let parts: Vec<(usize, Vec<f64>)> =
            self.units.iter_mut().map(|strip| Ok((strip.width, strip.take(from, count)?))).collect::<Result<_, ImportError>>()?;
        let units: usize = self.widths.iter().sum();
        let mut g = Vec::with_capacity(count * units);
        for row in 0..count {
            for (width, values) in &parts {
                g.extend(values[row * width..(row + 1) * width].iter().map(|value| *value as f32));
            }
        }
        self.done += count;
        Ok(Rows { position, time, trajectory, arena, velocity, units, widths: Arc::clone(&self.widths), g })
    }

    fn labels(&self, numbers: &[f64]) -> Result<Vec<Arc<str>>, ImportError> {
        let mut last: Option<(f64, Arc<str>)> = None;
        let label = |(number, value): (usize, &f64)| {
            if !value.is_finite() {
                let at = self.place.row((self.done + number) as u64);
                return Err(self
                    .place
                    .refuse(format!("{at}: the label of its trajectory or arena is {value}; give every moment a whole number")));
            }
            let same = last.as_ref().filter(|(own, _)| own == value).map(|(_, label)| Arc::clone(label));
            let label = same.unwrap_or_else(|| Arc::from(value.to_string()));
            last = Some((*value, Arc::clone(&label)));
            Ok(label)
        };
        numbers.iter().enumerate().map(label).collect()
    }
}

impl Iterator for NpzRows {
    type Item = Result<Rows, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let count = BATCH_ROWS.min(self.rows - self.done);
        if count == 0 {
            return None;
        }
        let batch = self.batch(count);
        if batch.is_err() {
            self.done = self.rows;
        }
        Some(batch)
    }
}

/// The axes that rows have, from the positions: moments, or trajectories × moments.
fn lead(archive: &Archive, position: &[usize], path: &Path) -> Result<Lead, ImportError> {
    let axes = archive.axes(position[0]);
    let lead = match (position.len(), axes) {
        (2, [_] | [_, _]) => axes.to_vec(),
        (1, [moments, 2] | [2, moments]) => vec![*moments],
        (1, [trajectories, moments, 2]) => vec![*trajectories, *moments],
        _ => {
            let (name, found) = (archive.name(position[0]), super::items::Shape::Array(axes.to_vec()));
            let message = format!(
                "is {name} of {}, an {found}; allowed: moments × 2, trajectories × moments × 2, or two arrays of moments",
                path.display()
            );
            return Err(ImportError::mapping("position.columns", message));
        }
    };
    Ok(Lead(lead))
}

struct Opener<'a> {
    place: &'a Whereabouts,
    archive: &'a Archive,
    lead: &'a Lead,
}

impl Opener<'_> {
    fn refuse(&self, item: usize, key: &str) -> ImportError {
        let shape = |axes: &[usize]| super::items::Shape::Array(axes.to_vec());
        let (path, name) = (self.place.path.display(), self.archive.name(item));
        let (own, lead) = (shape(self.archive.axes(item)), shape(&self.lead.0));
        ImportError::mapping(
            key,
            format!("takes {name} of {path}, an {own}, which does not fit positions of an {lead}; give every array as many moments"),
        )
    }

    /// Units: rows, or one axis more; moments may be the second of two axes.
    fn units(&self, item: usize, layout: Layout) -> Result<Strip, ImportError> {
        let (axes, lead) = (self.archive.axes(item), self.lead.0.as_slice());
        if axes == lead {
            return self.strip(item, None, layout, "units.columns");
        }
        let width = match (axes, lead) {
            ([a, b], [moments]) => {
                let unit_time = match layout {
                    Layout::TimeUnit => false,
                    Layout::UnitTime => true,
                    Layout::Auto if a == moments && b == moments => {
                        let (path, name) = (self.place.path.display(), self.archive.name(item));
                        let message = format!("is \"auto\", and {name} of {path} is {a} × {b}; set it to \"time-unit\" or \"unit-time\"");
                        return Err(ImportError::mapping("units.layout", message));
                    }
                    Layout::Auto => a != moments,
                };
                if unit_time { *a } else { *b }
            }
            ([_, _, units], [_, _]) => *units,
            _ => return Err(self.refuse(item, "units.columns")),
        };
        self.strip(item, Some(width), layout, "units.columns")
    }

    /// An array with `width` numbers a row; `None`: one, without an axis for it.
    fn strip(&self, item: usize, width: Option<usize>, layout: Layout, key: &str) -> Result<Strip, ImportError> {
        let (axes, lead) = (self.archive.axes(item), self.lead.0.as_slice());
        let inner: Vec<usize> = width.into_iter().collect();
        let rows_first = [lead, &inner].concat();
        let transposed = [&inner, lead].concat();
        let fortran = self.archive.is_fortran(item);
        let width = width.unwrap_or(1);
        let each = lead.last().copied().unwrap_or(0);
        // How far apart neighbours along trajectories, moments and units are.
        let strides = if axes == lead || (axes == rows_first && layout != Layout::UnitTime) {
            if !fortran {
                return Ok(Strip { width, values: Values::Stream(Box::new(self.archive.numbers(item)?)) });
            }
            if lead.len() == 2 { [1, lead[0], lead[0].saturating_mul(lead[1])] } else { [0, 1, each] }
        } else if axes == transposed && lead.len() == 1 && layout != Layout::TimeUnit {
            if fortran { [0, width, 1] } else { [0, 1, each] }
        } else if lead.len() == 2 && axes == &lead[1..] && inner.is_empty() && key.starts_with("time") {
            // The same times in every trajectory.
            [0, 1, 0]
        } else if lead.len() == 2 && axes == &lead[..1] && inner.is_empty() {
            // A label for each trajectory.
            [1, 0, 0]
        } else {
            return Err(self.refuse(item, key));
        };
        let mut numbers = self.archive.numbers(item)?;
        let count = numbers.header.count().unwrap_or(usize::MAX);
        if count > MOST_WHOLE {
            let name = self.archive.name(item);
            return Err(self.place.refuse(format!(
                "array {name} holds {count} numbers, and its slowest axis is not time, so that it would have to be held whole; at most {MOST_WHOLE} \
                 may be: save numpy.ascontiguousarray(…) with time first, or import it in parts"
            )));
        }
        let mut values = Vec::with_capacity(count);
        numbers.take(count, &mut values)?;
        Ok(Strip { width, values: Values::Whole { values, each, strides } })
    }
}

impl Strip {
    fn take(&mut self, from: usize, count: usize) -> Result<Vec<f64>, ImportError> {
        let mut taken = Vec::with_capacity(count * self.width);
        match &mut self.values {
            Values::Stream(numbers) => numbers.take(count * self.width, &mut taken)?,
            Values::Whole { values, each, strides } => {
                for row in from..from + count {
                    let (trajectory, moment) = (row / (*each).max(1), row % (*each).max(1));
                    let start = trajectory * strides[0] + moment * strides[1];
                    taken.extend((0..self.width).map(|number| values.get(start + number * strides[2]).copied().unwrap_or(f64::NAN)));
                }
            }
        }
        Ok(taken)
    }
}
