//! Columns of lists that are all equally long and never null, straight from and to their numbers.
//!
//! The general way spells out a repetition and a definition level for every number, and looks at each again and again; here they are known in advance,
//! so that only byte-splitting and compression are left. The pages are ordinary ones: any Parquet reader reads them, and pages that someone wrote in
//! another way are read by the general way.

mod decode;
mod encode;
mod levels;
mod split;

pub(super) use decode::{List, ListReader};
pub(super) use encode::{EncodedList, encode, suits};
