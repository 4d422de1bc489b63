//! From a mapping and a file's columns to what is read: by the names that the mapping gives, else by the names that people use.

use super::error::ImportError;
use super::items::{Item, Shape, listed, natural};
use super::mapping::{Mapping, TimeUnit};
use std::path::Path;

/// What is read of a file: places in its list of items.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Resolved {
    /// Two columns, or one with two values a row.
    pub(super) position: Vec<usize>,
    pub(super) metres: f64,
    pub(super) time: Option<usize>,
    /// Seconds per 1 of the time column, or from moment to moment where there is none; NaN = not known.
    pub(super) seconds: f64,
    pub(super) trajectory: Option<usize>,
    pub(super) arena: Option<usize>,
    pub(super) velocity: Vec<usize>,
    /// One column per unit, or lists, behind each other. Empty for a tracked path without units.
    pub(super) units: Vec<usize>,
}

/// What a mapping writes for "do not use any".
const NONE: &str = "none";

const X_Y: [(&str, &str); 14] = [
    ("x_m", "y_m"),
    ("x_cm", "y_cm"),
    ("x_mm", "y_mm"),
    ("x", "y"),
    ("pos_x", "pos_y"),
    ("pos_x_m", "pos_y_m"),
    ("pos_x_cm", "pos_y_cm"),
    ("pos_x_mm", "pos_y_mm"),
    ("x_pos", "y_pos"),
    ("posx", "posy"),
    ("position_x", "position_y"),
    ("x_position", "y_position"),
    ("x_pix", "y_pix"),
    ("x_px", "y_px"),
];
const POSITION: [&str; 10] = ["pos", "position", "positions", "pos_m", "pos_cm", "pos_mm", "position_m", "position_cm", "xy", "coords"];
const TIME: [&str; 11] = ["time_s", "time", "t", "t_s", "times", "timestamp", "timestamps", "time_ms", "t_ms", "time_us", "t_us"];
const TRAJECTORY: [&str; 9] =
    ["trajectory", "trajectory_id", "session", "session_id", "episode", "episode_id", "trial", "trial_id", "trajectories"];
const ARENA: [&str; 3] = ["arena", "environment", "env"];
const LISTS: [&str; 13] = [
    "g",
    "rates",
    "rate",
    "activity",
    "activities",
    "firing_rates",
    "firing_rate",
    "firingrates",
    "firingrate",
    "hidden",
    "hidden_states",
    "states",
    "units",
];
const WIDE: [&str; 5] = ["unit", "units", "neuron", "cell", "g"];

/// A search among a file's items.
struct Search<'a> {
    path: &'a Path,
    items: &'a [Item],
}

/// Finds everything that is read of the file at `path`.
///
/// # Errors
/// [`ImportError::Mapping`]: a name that is not there, a kind that does not fit, nothing found, or more than one.
pub(super) fn resolve(path: &Path, items: &[Item], mapping: &Mapping, with_units: bool) -> Result<Resolved, ImportError> {
    let search = Search { path, items };
    let position = match search.named_pair(&mapping.position.columns, "position.columns")? {
        named if !named.is_empty() => named,
        _ => search.position()?,
    };
    let metres = mapping.metres(&items[position[0]].name.to_ascii_lowercase());
    let time = search.one(&mapping.time.column, "time.column", &TIME)?;
    let hz = mapping.time.sampling_hz;
    let seconds = match time {
        Some(time) => mapping.seconds(mapping.time.unit, &items[time].name.to_ascii_lowercase()),
        None if hz > 0.0 => 1.0 / hz,
        None => f64::NAN,
    };
    if time.is_none() && matches!(mapping.time.unit, TimeUnit::S | TimeUnit::Ms | TimeUnit::Us) {
        return Err(search.refuse("time.unit", "is set, but no column of time was found; name it with time.column"));
    }
    let velocity = search.named_pair(&mapping.velocity.columns, "velocity.columns")?;
    if !velocity.is_empty() && mapping.velocity.per == super::mapping::Per::S && seconds.is_nan() {
        return Err(search.refuse(
            "velocity.per",
            "is \"s\", but times are not known; name time.column or time.sampling_hz, or set velocity.per to \"step\"",
        ));
    }
    let trajectory = search.one(&mapping.trajectory.column, "trajectory.column", &TRAJECTORY)?;
    let arena = search.one(&mapping.arena.column, "arena.column", &ARENA)?;
    if arena.is_some() && !mapping.arena.label.is_empty() {
        return Err(
            search.refuse("arena.label", "is set, and there is a column of labels too; set arena.column to \"none\" to use the label")
        );
    }
    let mut taken = [position.clone(), velocity.clone()].concat();
    taken.extend([time, trajectory, arena].into_iter().flatten());
    let units = if !with_units {
        Vec::new()
    } else if mapping.units.columns.is_empty() {
        search.units(&taken)?
    } else {
        search.globs(&mapping.units.columns, "units.columns", &taken)?
    };
    Ok(Resolved { position, metres, time, seconds, trajectory, arena, velocity, units })
}

/// Whether a shape has one number a row, as far as can be told without the other arrays.
fn is_number(shape: &Shape) -> bool {
    match shape {
        Shape::Number | Shape::Cell => true,
        Shape::Array(axes) => axes.len() <= 2,
        Shape::Text | Shape::List(_) | Shape::Other(_) => false,
    }
}

impl Search<'_> {
    fn refuse(&self, key: &str, message: &str) -> ImportError {
        ImportError::mapping(key, format!("{message} ({} has {})", self.path.display(), listed(self.items)))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.items.iter().position(|item| item.name == name)
    }

    /// By a name that people use, whatever its case.
    fn usual(&self, names: &[&str], fits: impl Fn(&Shape) -> bool) -> Option<usize> {
        names.iter().find_map(|name| self.items.iter().position(|item| item.name.eq_ignore_ascii_case(name) && fits(&item.shape)))
    }

    /// By the name that a mapping gives.
    fn named(&self, name: &str, key: &str) -> Result<usize, ImportError> {
        let place = self.place(name).ok_or_else(|| {
            let nearest = self.items.iter().find(|item| item.name.eq_ignore_ascii_case(name));
            let nearest = nearest.map_or_else(String::new, |item| format!("; is {} meant?", item.name));
            self.refuse(key, &format!("is {name:?}, which is not there{nearest}"))
        })?;
        if let Shape::Other(words) = &self.items[place].shape {
            return Err(self.refuse(key, &format!("is {name:?}, which is {words}; allowed: numbers")));
        }
        Ok(place)
    }

    /// An optional column.
    fn one(&self, name: &str, key: &str, usual: &[&str]) -> Result<Option<usize>, ImportError> {
        match name {
            "" => Ok(self.usual(usual, |shape| is_number(shape) || (*shape == Shape::Text && !key.starts_with("time")))),
            NONE => Ok(None),
            name => {
                let place = self.named(name, key)?;
                let text = self.items[place].shape == Shape::Text && !key.starts_with("time");
                if text { Ok(Some(place)) } else { self.number(place, key).map(Some) }
            }
        }
    }

    /// Refuses what is not one number a row.
    fn number(&self, place: usize, key: &str) -> Result<usize, ImportError> {
        let Item { name, shape } = &self.items[place];
        if is_number(shape) {
            Ok(place)
        } else {
            Err(self.refuse(key, &format!("takes {name:?}, which is {shape}; allowed: one number a row")))
        }
    }

    fn named_pair(&self, names: &[String], key: &str) -> Result<Vec<usize>, ImportError> {
        let places: Vec<usize> = names.iter().map(|name| self.named(name, key)).collect::<Result<_, _>>()?;
        match places.as_slice() {
            [x, y] if x == y => Err(self.refuse(key, "has the same column twice")),
            [x, y] => Ok(vec![self.number(*x, key)?, self.number(*y, key)?]),
            [both] if !matches!(self.items[*both].shape, Shape::List(_) | Shape::Array(_)) => {
                let Item { name, shape } = &self.items[*both];
                Err(self
                    .refuse(key, &format!("takes {name:?} alone, which is {shape}; allowed: two columns, or one array with x and y in it")))
            }
            _ => Ok(places),
        }
    }

    fn position(&self) -> Result<Vec<usize>, ImportError> {
        let pair = X_Y.iter().find_map(|(x, y)| Some(vec![self.usual(&[x], is_number)?, self.usual(&[y], is_number)?]));
        let two = |shape: &Shape| match shape {
            Shape::List(length) => length.is_none_or(|length| length == 2),
            Shape::Array(axes) => axes.len() >= 2,
            _ => false,
        };
        pair.or_else(|| self.usual(&POSITION, two).map(|place| vec![place])).ok_or_else(|| {
            self.refuse(
                "position.columns",
                "is empty, and no position was found by name; name two columns, or one array with x and y in it",
            )
        })
    }

    /// Units by names that people use; in an archive, otherwise the only array that is left with more than one axis.
    fn units(&self, taken: &[usize]) -> Result<Vec<usize>, ImportError> {
        let free: Vec<usize> = (0..self.items.len()).filter(|place| !taken.contains(place)).collect();
        let several = |shape: &Shape| matches!(shape, Shape::List(_)) || matches!(shape, Shape::Array(axes) if axes.len() >= 2);
        if let Some(place) = self.usual(&LISTS, several).filter(|place| free.contains(place)) {
            return Ok(vec![place]);
        }
        let wide = |item: &Item| {
            let name = item.name.to_ascii_lowercase();
            let number = WIDE.iter().find_map(|start| name.strip_prefix(start)).map(|rest| rest.trim_start_matches(['_', '-', '.', ' ']));
            matches!(item.shape, Shape::Number | Shape::Cell | Shape::Array(_))
                && number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let mut found: Vec<usize> = free.iter().copied().filter(|place| wide(&self.items[*place])).collect();
        found.sort_by(|a, b| natural(&self.items[*a].name, &self.items[*b].name));
        let left: Vec<usize> = free.iter().copied().filter(|place| several(&self.items[*place].shape)).collect();
        match (found.is_empty(), left.as_slice()) {
            (false, _) => Ok(found),
            (true, [only]) => Ok(vec![*only]),
            (true, []) => {
                Err(self.refuse("units.columns", "is empty, and no units were found by name; name them, or a glob such as \"unit_*\""))
            }
            (true, _) => Err(self.refuse("units.columns", "is empty, and several columns could be units; name one")),
        }
    }

    /// Every item that one of the globs matches, in the globs' order and then by name.
    fn globs(&self, globs: &[String], key: &str, taken: &[usize]) -> Result<Vec<usize>, ImportError> {
        let mut found: Vec<usize> = Vec::new();
        for glob in globs {
            // A name that is there as it is written needs no pattern.
            if let Some(place) = self.place(glob) {
                found.push(self.unit(place, key)?);
                continue;
            }
            let pattern =
                glob::Pattern::new(glob).map_err(|error| self.refuse(key, &format!("holds {glob:?}, which is no glob: {error}")))?;
            let fits = |place: &usize| !taken.contains(place) && pattern.matches(&self.items[*place].name);
            let mut matching: Vec<usize> = (0..self.items.len()).filter(fits).collect();
            if matching.is_empty() {
                return Err(self.refuse(key, &format!("holds {glob:?}, which matches nothing that is left")));
            }
            matching.sort_by(|a, b| natural(&self.items[*a].name, &self.items[*b].name));
            for place in matching {
                found.push(self.unit(place, key)?);
            }
        }
        let twice = found.iter().enumerate().find(|(number, place)| found[..*number].contains(place) || taken.contains(place));
        match twice {
            Some((_, place)) => {
                let name = &self.items[*place].name;
                Err(self
                    .refuse(key, &format!("takes {name:?} twice, or for something that is position, time, trajectory, velocity or arena")))
            }
            None => Ok(found),
        }
    }

    /// Refuses what can be no unit.
    fn unit(&self, place: usize, key: &str) -> Result<usize, ImportError> {
        match &self.items[place] {
            Item { name, shape: Shape::Text } => Err(self.refuse(key, &format!("takes {name:?}, which is text; allowed: numbers"))),
            Item { name, .. } => self.named(name, key),
        }
    }

    /// A column of a spike file.
    fn spike(&self, name: &str, key: &str, usual: &[&str]) -> Result<Option<usize>, ImportError> {
        match name {
            "" => Ok(self.usual(usual, |shape| is_number(shape) || (*shape == Shape::Text && key == "spikes.unit"))),
            name => {
                let place = self.named(name, key)?;
                let text = self.items[place].shape == Shape::Text && key == "spikes.unit";
                if text { Ok(Some(place)) } else { self.number(place, key).map(Some) }
            }
        }
    }
}

/// Where spike times are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SpikeColumns {
    /// A unit and a time in each row.
    Rows {
        /// Which unit.
        unit: usize,
        /// When.
        time: usize,
    },
    /// An array of times for each unit, by name.
    Arrays(Vec<usize>),
}

/// Finds spike times in the file at `path`.
///
/// # Errors
/// [`ImportError::Mapping`], as [`resolve`].
pub(super) fn resolve_spikes(path: &Path, items: &[Item], mapping: &Mapping, archive: bool) -> Result<SpikeColumns, ImportError> {
    const UNIT: [&str; 10] = ["unit", "units", "unit_id", "cell", "cell_id", "neuron", "neuron_id", "cluster", "cluster_id", "ids"];
    const SPIKE_TIME: [&str; 12] = [
        "time_s",
        "time",
        "t",
        "spike_time",
        "spike_times",
        "spike_time_s",
        "spike_times_s",
        "times",
        "timestamp",
        "timestamps",
        "time_ms",
        "spikes",
    ];
    let search = Search { path, items };
    if !mapping.spikes.columns.is_empty() {
        if !archive {
            return Err(search.refuse("spikes.columns", "is set; allowed: only with an NPZ file, one array of spike times for each unit"));
        }
        return search.globs(&mapping.spikes.columns, "spikes.columns", &[]).map(SpikeColumns::Arrays);
    }
    let unit = search.spike(&mapping.spikes.unit, "spikes.unit", &UNIT)?;
    let time = search.spike(&mapping.spikes.time, "spikes.time", &SPIKE_TIME)?;
    match (unit, time) {
        (Some(unit), Some(time)) if unit != time => Ok(SpikeColumns::Rows { unit, time }),
        _ if archive && mapping.spikes.unit.is_empty() && mapping.spikes.time.is_empty() => {
            let mut all: Vec<usize> =
                (0..items.len()).filter(|place| matches!(&items[*place].shape, Shape::Array(axes) if axes.len() == 1)).collect();
            all.sort_by(|a, b| natural(&items[*a].name, &items[*b].name));
            if all.is_empty() {
                Err(search.refuse("spikes.columns", "is empty, and there is no array of spike times"))
            } else {
                Ok(SpikeColumns::Arrays(all))
            }
        }
        (None, _) => Err(search.refuse("spikes.unit", "is empty, and no column of units was found by name")),
        (_, None) => Err(search.refuse("spikes.time", "is empty, and no column of times was found by name")),
        _ => Err(search.refuse("spikes.time", "is the same column as spikes.unit")),
    }
}
