//! What a mapping file says: which columns or arrays are what, and in which unit.

use super::error::ImportError;
use crate::name::check_name;
use serde::{Deserialize, Serialize};

/// A mapping, as written; `crates/cli/mapping.toml` explains every key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Where the animal or model was.
    pub position: Position,
    /// When.
    pub time: Time,
    /// What belongs to one uninterrupted path.
    pub trajectory: Trajectory,
    /// What is known of the velocity.
    pub velocity: Velocity,
    /// In which box.
    pub arena: ArenaMapping,
    /// What the units did.
    pub units: Units,
    /// Spike times, in a file of their own.
    pub spikes: Spikes,
    /// The occupancy table.
    pub occupancy: Occupancy,
    /// How text files are cut.
    pub csv: Csv,
}

/// `[position]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Two columns, or one with x and y in it; empty: found by name.
    pub columns: Vec<String>,
    /// Length of 1.
    pub unit: LengthUnit,
    /// For [`LengthUnit::Px`].
    pub metres_per_unit: f64,
    /// What is done where it is not a number.
    pub missing: Missing,
}

/// A unit of length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LengthUnit {
    /// Off the columns' names (`x_cm`), else metres.
    Auto,
    /// Metres.
    M,
    /// Centimetres.
    Cm,
    /// Millimetres.
    Mm,
    /// `metres_per_unit` metres.
    Px,
}

/// What is done with a moment without a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// The file is refused.
    Refuse,
    /// The moment is left out.
    Drop,
}

/// `[time]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// Empty: found by name; `none`: there is none.
    pub column: String,
    /// Length of 1.
    pub unit: TimeUnit,
    /// Moments a second; 0: not known.
    pub sampling_hz: f64,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Off the column's name (`time_ms`), else seconds.
    Auto,
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// `1 / sampling_hz` seconds.
    Samples,
}

/// `[trajectory]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trajectory {
    /// Empty: found by name; `none`: a file is one trajectory.
    pub column: String,
}

/// `[velocity]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Velocity {
    /// As [`Position::columns`]; empty: differences of positions.
    pub columns: Vec<String>,
    /// Position units per what.
    pub per: Per,
}

/// What a velocity is per.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// A second.
    S,
    /// A moment.
    Step,
}

/// `[arena]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArenaMapping {
    /// Empty: as its shape and sides say, such as `square-1m`.
    pub label: String,
    /// Labels row by row; empty: found by name; `none`: there is one arena.
    pub column: String,
    /// Its outline.
    pub shape: Shape,
    /// Side of a square, width of a rectangle, diameter of a circle, m; 0: from the positions.
    pub side_m: f64,
    /// Height of a rectangle, m; 0: from the positions.
    pub height_m: f64,
    /// Its middle in the file's coordinates, m; empty: the middle of the positions.
    pub centre_m: Vec<f64>,
}

/// The outline of an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Four walls of one length.
    Square,
    /// Four walls.
    Rectangle,
    /// One round wall.
    Circle,
}

/// `[units]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// Names, or globs of them; empty: found by name.
    pub columns: Vec<String>,
    /// Which axis of a 2D array is time.
    pub layout: Layout,
}

/// The order of a 2D array's axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Time is the axis that is as long as the positions.
    Auto,
    /// Rows are moments.
    TimeUnit,
    /// Rows are units.
    UnitTime,
}

/// `[spikes]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spikes {
    /// Which unit fired; empty: found by name.
    pub unit: String,
    /// When; empty: found by name.
    pub time: String,
    /// NPZ: arrays of spike times, one for each unit, or globs of them; empty: found by name.
    pub columns: Vec<String>,
    /// Length of 1 in spike times.
    pub time_unit: TimeUnit,
    /// Length of a moment, s; 0: each tracked sample.
    pub bin_s: f64,
    /// A longer pause between tracked samples is a gap, s.
    pub max_gap_s: f64,
}

/// `[occupancy]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Occupancy {
    /// Along each side.
    pub bins: usize,
}

/// `[csv]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Csv {
    /// One ASCII character; empty: a tab for `.tsv`, else a comma.
    pub delimiter: String,
}

impl Mapping {
    /// Refuses what no file could fit. Names and types have been checked where it was read.
    ///
    /// # Errors
    /// [`ImportError::Mapping`]: the first such key.
    pub fn check(&self) -> Result<(), ImportError> {
        let require = |holds: bool, key: &str, message: String| if holds { Ok(()) } else { Err(ImportError::mapping(key, message)) };
        let pair = |columns: &[String], key: &str| {
            require(columns.len() <= 2, key, format!("has {} names; allowed: two columns, or one array with x and y in it", columns.len()))
        };
        let size = |value: f64, most: f64| value.is_finite() && (0.0..=most).contains(&value);
        pair(&self.position.columns, "position.columns")?;
        pair(&self.velocity.columns, "velocity.columns")?;
        let per_unit = self.position.metres_per_unit;
        require(size(per_unit, 1e6), "position.metres_per_unit", format!("is {per_unit}; allowed: Number, 0 to 1e6"))?;
        let px = self.position.unit == LengthUnit::Px;
        require(!px || per_unit > 0.0, "position.metres_per_unit", "is 0; allowed: above 0, since position.unit is \"px\"".to_owned())?;
        require(px || per_unit == 0.0, "position.metres_per_unit", "is set; allowed: only with position.unit = \"px\"".to_owned())?;
        let hz = self.time.sampling_hz;
        require(size(hz, 1e9), "time.sampling_hz", format!("is {hz}; allowed: Number, 0 to 1e9"))?;
        for (unit, key) in [(self.time.unit, "time.unit"), (self.spikes.time_unit, "spikes.time_unit")] {
            require(unit != TimeUnit::Samples || hz > 0.0, key, "is \"samples\"; allowed: only with time.sampling_hz above 0".to_owned())?;
        }
        if !self.arena.label.is_empty() {
            check_name(&self.arena.label).map_err(|message| ImportError::mapping("arena.label", message))?;
        }
        for (side, key) in [(self.arena.side_m, "arena.side_m"), (self.arena.height_m, "arena.height_m")] {
            require(size(side, 1e5) && (side == 0.0 || side >= 1e-6), key, format!("is {side}; allowed: Number, 0 to 1e5"))?;
        }
        let (height, high) = (self.arena.height_m, self.arena.shape == Shape::Rectangle);
        require(high || height == 0.0, "arena.height_m", format!("is {height}; allowed: only with arena.shape = \"rectangle\""))?;
        let centre = &self.arena.centre_m;
        let fits = matches!(centre.len(), 0 | 2) && centre.iter().all(|place| place.is_finite() && place.abs() <= 1e6);
        require(fits, "arena.centre_m", format!("is {centre:?}; allowed: empty, or two numbers from -1e6 to 1e6"))?;
        require(size(self.spikes.bin_s, 1e6), "spikes.bin_s", format!("is {}; allowed: Number, 0 to 1e6", self.spikes.bin_s))?;
        let gap = self.spikes.max_gap_s;
        require(size(gap, 1e6) && gap > 0.0, "spikes.max_gap_s", format!("is {gap}; allowed: Number, above 0, at most 1e6"))?;
        let bins = self.occupancy.bins;
        require((4..=1000).contains(&bins), "occupancy.bins", format!("is {bins}; allowed: Integer, 4 to 1000"))?;
        let delimiter = &self.csv.delimiter;
        let fits = delimiter.len() <= 1 && !delimiter.contains(['\n', '\r', '"', '\0']);
        require(
            fits,
            "csv.delimiter",
            format!("is {delimiter:?}; allowed: empty, or one ASCII character other than a quote or a line's end"),
        )
    }

    /// Seconds per 1 of a time whose name is `name`.
    pub(super) fn seconds(&self, unit: TimeUnit, name: &str) -> f64 {
        let unit = match unit {
            TimeUnit::Auto if name.ends_with("_ms") => TimeUnit::Ms,
            TimeUnit::Auto if name.ends_with("_us") => TimeUnit::Us,
            unit => unit,
        };
        match unit {
            TimeUnit::Ms => 1e-3,
            TimeUnit::Us => 1e-6,
            TimeUnit::Samples => 1.0 / self.time.sampling_hz,
            TimeUnit::S | TimeUnit::Auto => 1.0,
        }
    }

    /// Metres per 1 of a position whose first column's name is `name`.
    pub(super) fn metres(&self, name: &str) -> f64 {
        let unit = match self.position.unit {
            LengthUnit::Auto if name.ends_with("_cm") => LengthUnit::Cm,
            LengthUnit::Auto if name.ends_with("_mm") => LengthUnit::Mm,
            unit => unit,
        };
        match unit {
            LengthUnit::Cm => 1e-2,
            LengthUnit::Mm => 1e-3,
            LengthUnit::Px => self.position.metres_per_unit,
            LengthUnit::M | LengthUnit::Auto => 1.0,
        }
    }
}
