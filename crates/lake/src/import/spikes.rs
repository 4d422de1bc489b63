//! Spike times: who fired when.

use super::error::ImportError;
use super::items::{Item, natural};
use super::mapping::Mapping;
use super::resolve::{Resolved, SpikeColumns, resolve_spikes};
use super::rows::{MOST_UNITS, Whereabouts};
use super::source::{Contents, open};
use super::table::{TableRows, wanted};
use super::{csv, parquet};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Most spikes: they are held whole, 16 bytes each.
const MOST_SPIKES: usize = 1 << 27;
/// Numbers of an array that are read at once.
const AT_ONCE: usize = 1 << 16;

/// All spikes, earliest first.
#[derive(Clone, Debug, PartialEq)]
pub struct SpikeTrains {
    /// Names of the units, in their natural order (numbers by value).
    pub units: Vec<String>,
    /// Time in s, and place in `units`.
    pub(super) spikes: Vec<(f64, u32)>,
}

impl SpikeTrains {
    /// Reads a file of spikes.
    ///
    /// # Errors
    /// A file that is torn or of no known format, a mapping that does not fit it, times that are not finite, too many units or spikes.
    pub fn read(path: &Path, mapping: &Mapping) -> Result<Self, ImportError> {
        let (contents, items) = open(path, mapping)?;
        let archive = matches!(contents, Contents::Npz(_));
        let columns = resolve_spikes(path, &items, mapping, archive)?;
        let time = match &columns {
            SpikeColumns::Rows { time, .. } => *time,
            SpikeColumns::Arrays(arrays) => arrays[0],
        };
        let seconds = mapping.seconds(mapping.spikes.time_unit, &items[time].name.to_ascii_lowercase());
        let place = Whereabouts { path: path.to_owned(), lines: matches!(contents, Contents::Csv) };
        let mut collected = Collected { place, seconds, units: BTreeMap::new(), spikes: Vec::new() };
        match (&contents, columns) {
            (Contents::Npz(archive), SpikeColumns::Arrays(arrays)) => {
                for item in arrays {
                    let unit = collected.unit(&items[item].name)?;
                    let mut numbers = archive.numbers(item)?;
                    let mut left = numbers.header.count().unwrap_or(usize::MAX);
                    let mut times = Vec::new();
                    while left > 0 {
                        times.clear();
                        numbers.take(left.min(AT_ONCE), &mut times)?;
                        collected.add(&times, |_| unit)?;
                        left -= times.len().clamp(1, left);
                    }
                }
            }
            (Contents::Npz(archive), SpikeColumns::Rows { unit, time }) => {
                let (mut ids, mut times) = (archive.numbers(unit)?, archive.numbers(time)?);
                let count = ids.header.count().unwrap_or(usize::MAX);
                if ids.header.shape.len() != 1 || times.header.shape != ids.header.shape {
                    let shapes = [unit, time].map(|item| format!("{} is an {}", items[item].name, items[item].shape));
                    let message = format!(
                        "does not fit spikes.unit in {}: {}; give both one axis of the same length",
                        path.display(),
                        shapes.join(", ")
                    );
                    return Err(ImportError::mapping("spikes.time", message));
                }
                let mut left = count;
                while left > 0 {
                    let (mut own, mut when) = (Vec::new(), Vec::new());
                    ids.take(left.min(AT_ONCE), &mut own)?;
                    times.take(left.min(AT_ONCE), &mut when)?;
                    left -= when.len().clamp(1, left);
                    let mut names = Vec::with_capacity(own.len());
                    for id in &own {
                        if !id.is_finite() {
                            return Err(collected
                                .place
                                .refuse(format!("array {}: a unit is {id}; give every spike a whole number", items[unit].name)));
                        }
                        names.push(collected.unit(&id.to_string())?);
                    }
                    collected.add(&when, |spike| names[spike])?;
                }
            }
            (_, SpikeColumns::Rows { unit, time }) => collected.table(path, mapping, &contents, &items, unit, time)?,
            (_, SpikeColumns::Arrays(_)) => return Err(ImportError::mapping("spikes.columns", "is set; allowed: only with an NPZ file")),
        }
        collected.sorted()
    }
}

struct Collected {
    place: Whereabouts,
    seconds: f64,
    /// Provisional numbers by name.
    units: BTreeMap<Arc<str>, u32>,
    spikes: Vec<(f64, u32)>,
}

impl Collected {
    fn unit(&mut self, name: &str) -> Result<u32, ImportError> {
        if let Some(unit) = self.units.get(name) {
            return Ok(*unit);
        }
        let unit = self.units.len();
        if unit == MOST_UNITS {
            return Err(self.place.refuse(format!("has more than {MOST_UNITS} units; is the right column named by spikes.unit?")));
        }
        self.units.insert(Arc::from(name), unit as u32);
        Ok(unit as u32)
    }

    fn add(&mut self, times: &[f64], unit: impl Fn(usize) -> u32) -> Result<(), ImportError> {
        for (number, time) in times.iter().enumerate() {
            let time_s = time * self.seconds;
            if !time_s.is_finite() {
                let at = self.place.row((self.spikes.len()) as u64);
                return Err(self.place.refuse(format!("{at}: the time of a spike is {time}; remove it")));
            }
            if self.spikes.len() == MOST_SPIKES {
                return Err(self.place.refuse(format!("has more than {MOST_SPIKES} spikes; import some of the units")));
            }
            self.spikes.push((time_s, unit(number)));
        }
        Ok(())
    }

    /// Parquet and CSV.
    fn table(
        &mut self,
        path: &Path,
        mapping: &Mapping,
        contents: &Contents,
        items: &[Item],
        unit: usize,
        time: usize,
    ) -> Result<(), ImportError> {
        let read = Resolved {
            position: Vec::new(),
            metres: 1.0,
            time: Some(time),
            seconds: self.seconds,
            trajectory: Some(unit),
            arena: None,
            velocity: Vec::new(),
            units: Vec::new(),
        };
        let columns = wanted(&read);
        let mut rows = TableRows::new(self.place.clone(), items.to_vec(), read);
        let batches: Box<dyn Iterator<Item = _>> = match contents {
            Contents::Csv => Box::new(csv::batches(path, mapping, items, &columns)?),
            _ => Box::new(parquet::batches(path, &columns)?),
        };
        for batch in batches {
            let batch = batch?;
            let (times, labels) = (rows.numbers(&batch, time)?, rows.texts(&batch, unit)?);
            let units = labels.iter().map(|label| self.unit(label)).collect::<Result<Vec<u32>, _>>()?;
            self.add(&times, |spike| units[spike])?;
            rows.skip(batch.num_rows());
        }
        Ok(())
    }

    /// Units in their natural order, spikes in time's.
    fn sorted(self) -> Result<SpikeTrains, ImportError> {
        if self.spikes.is_empty() {
            return Err(self.place.refuse("holds no spikes"));
        }
        let mut names: Vec<(Arc<str>, u32)> = self.units.into_iter().collect();
        names.sort_by(|a, b| natural(&a.0, &b.0));
        let mut place_of = vec![0_u32; names.len()];
        for (place, (_, provisional)) in names.iter().enumerate() {
            place_of[*provisional as usize] = place as u32;
        }
        let mut spikes = self.spikes;
        for spike in &mut spikes {
            spike.1 = place_of[spike.1 as usize];
        }
        spikes.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        Ok(SpikeTrains { units: names.into_iter().map(|(name, _)| name.to_string()).collect(), spikes })
    }
}
