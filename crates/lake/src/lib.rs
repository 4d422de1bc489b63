//! The Parquet data lake: layout, schemas, whole-file writes, manifests, run records and queries.
//!
//! | Question | Module |
//! |---|---|
//! | Where is a thing? | [`layout`] |
//! | Which tables and columns are there, in which unit? | [`schema`] |
//! | How are rows made and taken apart? | [`frame`] |
//! | How do they get into Parquet, and out again? | [`partition`], [`metrics`] |
//! | Which files belong to a run, and are they whole? | [`manifest`] |
//! | What was a run made from, and how far is it? | [`run_record`] |
//! | How does a file appear whole or not at all? | [`store`] |
//! | What do the tables say, in sum? | [`query`] |
//! | How is activity read that other software recorded? | [`import`] |
//! | Which names may become parts of paths? | [`name`] |

pub mod error;
pub mod frame;
pub mod import;
pub mod layout;
pub mod manifest;
pub mod metrics;
pub mod name;
mod parquet_file;
pub mod partition;
pub mod query;
pub mod run_record;
pub mod schema;
pub mod store;

pub use error::LakeError;
pub use frame::Frame;
pub use layout::Lake;
