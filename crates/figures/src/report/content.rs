//! What a report says: plain data, filled from a run's tables.

use super::{Cloud, Image, Measure, ReportUnit, ScoreKind, Table};

/// Everything that is in a report. Empty parts are left out of the page, or said to be empty where a reader would miss
/// them (units, modules).
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The run's name: the page's title and heading.
    pub title: String,
    /// A line below it, such as "20,000 steps, seed 5"; may be empty.
    pub subtitle: String,
    /// What a reader must know first, each a sentence of its own: warnings of the analysis. What is seen in the data (no
    /// module, all units dead) and what was left out for size is added by the writer.
    pub notes: Vec<String>,
    /// The summary's cards.
    pub verdicts: Vec<Verdict>,
    /// The arenas in the order in which the page shows and animates them. Its units have one entry for each.
    pub arenas: Vec<ReportArena>,
    /// The scores that have a null distribution, in the order of [`UnitInArena::scores`](super::UnitInArena::scores).
    pub scores: Vec<ScoreKind>,
    /// All other numbers of a unit, in the order of [`UnitInArena::measures`](super::UnitInArena::measures).
    pub measures: Vec<Measure>,
    /// The units, in any order; each number once.
    pub units: Vec<ReportUnit>,
    /// One row per module × arena. Without rows the page says that no module was found, and [`Report::no_modules_reason`].
    pub modules: Table,
    /// Why there are no modules; used only where there are none. May be empty.
    pub no_modules_reason: String,
    /// Further tables, such as the torus test's and generalization's; shown after the modules.
    pub tables: Vec<Table>,
    /// Point clouds of the 3D view, such as one per module.
    pub clouds: Vec<Cloud>,
    /// Figures in the order in which they are shown.
    pub figures: Vec<ReportFigure>,
    /// Definitions of terms that are no column, score or measure: classes, for instance.
    pub definitions: Vec<Definition>,
    /// Where the numbers come from: version, commit, seed, dates, fingerprints.
    pub provenance: Vec<Fact>,
    /// The run's whole configuration as TOML text.
    pub configuration: String,
}

/// One of the summary's cards: a question and what was found.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What was asked, such as "Modules" or "Torus".
    pub name: String,
    /// Which way it came out; gives the card its sign and colour.
    pub outcome: Outcome,
    /// The answer in a few words: "2 modules", "no torus", "too few units".
    pub verdict: String,
    /// The numbers behind it.
    pub numbers: Vec<Fact>,
    /// The rule by which numbers became a verdict, thresholds included.
    pub definition: String,
}

/// Which way a verdict came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// What was looked for is there.
    Found,
    /// It is not there.
    Absent,
    /// It was not decided, or could not be.
    Undecided,
}

impl Outcome {
    /// The name of its style.
    pub(super) fn style(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Absent => "absent",
            Self::Undecided => "undecided",
        }
    }

    /// A sign that is told from the others without colour.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Found => "✓",
            Self::Absent => "✕",
            Self::Undecided => "?",
        }
    }
}

/// A name and its value, both ready to be read (with units).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A term and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The term.
    pub term: String,
    /// What it means, with its source.
    pub meaning: String,
}

/// An arena in which the network was recorded.
#[derive(Debug, Clone)]
pub struct ReportArena {
    /// Its label in the lake, such as `square-2m`.
    pub label: String,
    /// Extent along x, in metres.
    pub width_m: f64,
    /// Extent along y, in metres.
    pub height_m: f64,
}

/// A figure of the run, embedded.
#[derive(Debug, Clone)]
pub struct ReportFigure {
    /// What it shows: its heading, and its text for those who do not see it.
    pub title: String,
    /// What to see in it; may be empty.
    pub caption: String,
    /// The picture. The SVG form of this crate's figures is the smaller one: a sheet of 128 ratemaps takes 0.4 MB, as PNG 1.2 MB.
    pub image: Image,
}
