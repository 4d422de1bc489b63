//! A run's report: one HTML file that needs no network and no other file; and a sweep's index of such reports.
//!
//! Callers fill [`Report`] with plain data; nothing here reads tables or decides anything about cells. Whatever is a
//! text may hold any characters: it is escaped where it enters HTML and JSON, and a strict Content-Security-Policy lets
//! no script run but the ones put there (by hash), and nothing be fetched.
//!
//! What is quantized, and how finely, is told in the page: maps to 8 bits between their ends ([`Map`]), points to 16
//! ([`Cloud`]), other numbers to 32-bit floats. NaN and infinities are shown as "–" and sort last.
//!
//! A file is at most [`MAX_REPORT_BYTES`]. Above, [`write_report`] first thins point clouds, then leaves out the largest
//! figures, then spectra and autocorrelograms, saying so in the page; [`ReportError::TooLarge`] if that is not enough.
//!
//! The 3D view is drawn by three.js (MIT, `assets/three`). Plotly's WebGL bundle was tried and set aside: it needs inline
//! styles that a strict policy forbids, is three times larger, and waits for the GPU at every move of the pointer, four
//! seconds each where WebGL is emulated. Without WebGL 2 a 2D canvas shows the same points, and the page says so.

mod assets;
mod budget;
mod check;
mod class_counts;
mod cloud;
mod content;
mod error;
mod image;
mod map;
mod null_summary;
mod pack;
mod pages;
mod payload;
mod sweep;
mod table;
mod unit;
mod write;

pub use budget::MAX_REPORT_BYTES;
pub use cloud::{Cloud, CloudColor, ColorScale, MAX_CLOUD_POINTS};
pub use content::{Definition, Fact, Outcome, Report, ReportArena, ReportFigure, Verdict};
pub use error::ReportError;
pub use image::Image;
pub use map::Map;
pub use null_summary::{NullSummary, QUANTILE_LEVELS};
pub use sweep::{RunSummary, Sweep, index_page};
pub use table::{Cell, Column, Table};
pub use unit::{Measure, ReportUnit, Score, ScoreKind, UnitInArena, UnitMaps};
pub use write::{WrittenReport, write_report};
