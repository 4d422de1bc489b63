//! Activity that other software recorded: Parquet, NPZ and CSV files, read batch by batch, checked, in metres and seconds.
//!
//! | Question | Module |
//! |---|---|
//! | Which columns or arrays are what? | [`mapping`]; `resolve` finds them, by name or by a usual name |
//! | How is each format read? | `parquet`, `csv` (both by way of `table`); `archive`, `npy`, `npz` |
//! | What does a moment need? | [`Moments`]: order, times, positions and activity are checked there |
//! | What are the arenas? | [`survey`](survey()): labels and extents, before any activity is read |
//! | What of spikes? | [`SpikeTrains`], and [`BinnedReader`] for their rates along a tracked path |
//!
//! No reader holds more than a batch of 1024 moments, but for spikes (16 bytes each) and NPZ arrays whose slowest axis is not time.

mod archive;
mod binned;
mod csv;
mod error;
mod foreign;
mod items;
pub mod mapping;
mod moments;
mod npy;
mod npz;
mod parquet;
mod resolve;
mod rows;
mod source;
mod spikes;
mod survey;
mod table;
#[cfg(test)]
mod tests;

pub use binned::{BinnedReader, SpikeCount};
pub use error::ImportError;
pub use foreign::reads_foreign_file;
pub use mapping::{Mapping, Shape};
pub use moments::{MomentReader, Moments};
pub use source::{Format, Source};
pub use spikes::SpikeTrains;
pub use survey::{FileCount, Survey, Surveyed, survey};
