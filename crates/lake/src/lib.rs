//! The Parquet data lake: layout, schemas, whole-file writes, manifests, run records and queries.
//!
//! | Question | Module |
//! |---|---|
//! | Where is a thing? | [`layout`] |
//! | Which tables and columns are there, in which unit? | [`schema`] |
//! | How are rows made and taken apart? | [`frame`] |
//! | How do they get into Parquet, and out again? | [`parquet_file`]; whole tables: [`partition`], [`metrics`] |
//! | Which files belong to a run, and are they whole? | [`manifest`] |
//! | What was a run made from, and how far is it? | [`run_record`] |
//! | What do the records and manifests of very many runs say? | [`index`] |
//! | Where do bytes lie, in a folder or a bucket, and how does a file appear whole or not at all? | [`store`] |
//! | What do the tables say, in sum? | [`query`] |
//! | What do they say, asked in SQL? | [`sql`] |
//! | Is everything there, whole and unaltered? | [`verify`] |
//! | How does one run leave the lake? | [`export`] |
//! | How is activity read that other software recorded? | [`import`] |
//! | Which names may become parts of paths? | [`name`] |

pub mod error;
pub mod export;
pub mod frame;
pub mod import;
pub mod index;
pub mod layout;
pub mod manifest;
pub mod metrics;
pub mod name;
pub mod parquet_file;
pub mod partition;
pub mod query;
pub mod run_record;
pub mod schema;
pub mod sql;
pub mod store;
pub mod verify;

pub use error::LakeError;
pub use frame::Frame;
pub use layout::Lake;
