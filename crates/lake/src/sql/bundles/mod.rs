//! The rows of many small files in few: bundles, in `.index/tables/<table>`, so that a query over a table of very many runs does not open each.
//!
//! As the [index](crate::index), they are never the authority. A file's rows are taken from a bundle only where a manifest still names the file, and while it has
//! the size, the times and the inode that it had when it was read; all else is read where it is, and rows come in the order in which they would without. What is
//! torn, altered, of other columns or gone is not used. Queries of few files, lakes in buckets, and those where a table has fewer than
//! [`MANY`](crate::index::MANY) small files do without.

mod catalog;
mod make;
#[cfg(test)]
mod tests;

use super::scan::{self, Listed, Listing, Shape, answered, joined, scan_files, wrong};
use super::{Bundling, SqlError};
use crate::index::MANY;
use crate::layout::Lake;
use crate::schema::Table;
use catalog::Opened;
use polars::io::HiveOptions;
use polars::prelude::{LazyFrame, PolarsResult, ScanArgsParquet, ScanSources};
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Larger files are read where they are: opening them is little of the work.
const SMALL: u64 = 64 << 10;
/// Files that are read where they are, and pieces of bundles, before bundles are made anew.
const SPARE: usize = 64;
/// So many pieces would take longer to plan than they save.
const MOST_PIECES: usize = 512;

/// Whether a table has so many small files that bundles are worth it.
pub(super) fn are_for(lake: &Lake, listing: &Listing) -> bool {
    let small = listing.groups.values().flatten().filter(|file| file.bytes <= SMALL);
    lake.store().folder().is_some() && !listing.own_partitions && small.take(MANY).count() == MANY
}

/// How many files a query would read, none where it needs only the first rows. A guess, from what Polars tells of its plan: it decides about time alone.
pub(super) fn files_of(plan: &LazyFrame) -> usize {
    let Ok(text) = plan.clone().explain(true) else { return 0 };
    let others = |(at, _): (usize, &str)| text[..at].rsplit(' ').next()?.parse::<usize>().ok();
    if text.contains("SLICE: ") { 0 } else { text.match_indices(" other sources]").filter_map(others).sum() }
}

/// A file's place: which bundle, and which of its files.
type Place = (usize, usize);

/// All files of a table in their order, each with its place in a bundle if it has one.
struct Arranged<'l> {
    files: Vec<(&'l Shape, &'l Listed)>,
    places: Vec<Option<Place>>,
    /// Where each group of files of one shape ends.
    ends: Vec<usize>,
}

/// Rows that are read together, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// Of these files, where they are.
    Files(Range<usize>),
    /// Of these files of a bundle.
    Bundled(usize, Range<usize>),
}

impl<'l> Arranged<'l> {
    fn new(lake: &Lake, listing: &'l Listing, bundles: &[Opened]) -> Self {
        let groups = listing.groups.iter();
        let files: Vec<(&Shape, &Listed)> = groups.flat_map(|(shape, files)| files.iter().map(move |file| (shape, file))).collect();
        let mut ends = Vec::new();
        for group in listing.groups.values() {
            ends.push(ends.last().copied().unwrap_or(0) + group.len());
        }
        let at: HashMap<&str, usize> = files.iter().enumerate().map(|(place, (_, file))| (file.key.as_str(), place)).collect();
        let current = |(number, opened): (usize, &Opened)| -> Vec<(usize, Place)> {
            let sources = opened.bundle.sources.iter().enumerate();
            let is_same = |key: &str, stamp| lake.store().stamp(key).ok().flatten().as_ref() == Some(stamp);
            let found = sources.filter(|(_, source)| at.contains_key(source.key.as_str()) && is_same(&source.key, &source.stamp));
            found.filter_map(|(source, made)| Some((*at.get(made.key.as_str())?, (number, source)))).collect()
        };
        let mut places = vec![None; files.len()];
        for (file, place) in bundles.par_iter().enumerate().map(current).collect::<Vec<_>>().into_iter().flatten() {
            places[file] = Some(place);
        }
        Self { files, places, ends }
    }

    /// As few pieces as there can be.
    fn pieces(&self, files: Range<usize>) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for file in files {
            match (self.places[file], pieces.last_mut()) {
                (Some((bundle, source)), Some(Piece::Bundled(last, sources))) if *last == bundle && sources.end == source => {
                    sources.end += 1;
                }
                (Some((bundle, source)), _) => pieces.push(Piece::Bundled(bundle, source..source + 1)),
                (None, Some(Piece::Files(files))) if !self.ends.contains(&file) => files.end += 1,
                (None, _) => pieces.push(Piece::Files(file..file + 1)),
            }
        }
        pieces
    }

    fn all(&self) -> Vec<Piece> {
        self.pieces(0..self.files.len())
    }
}

/// All runs of a table, as [`scan::scan`] has them, from bundles where they do; `make`: makes those that are missing, and tells how far that is.
pub(super) fn scan(lake: &Lake, listing: &Listing, make: Option<Bundling<'_>>) -> Result<LazyFrame, SqlError> {
    let table = listing.table;
    let mut bundles = catalog::open(lake, table);
    let mut arranged = Arranged::new(lake, listing, &bundles);
    if make.is_some_and(|bundling| make::make(lake, table, &bundles, &arranged, bundling)) {
        bundles = catalog::open(lake, table);
        arranged = Arranged::new(lake, listing, &bundles);
    }
    let pieces = arranged.all();
    if pieces.len() > MOST_PIECES + bundles.len() {
        return scan::scan(lake, listing);
    }
    let mut scans = Vec::new();
    let mut whole = Vec::new();
    for piece in &pieces {
        match piece {
            Piece::Bundled(bundle, sources) if *sources == (0..bundles[*bundle].bundle.sources.len()) => whole.push(*bundle),
            _ => {
                scans.extend(read_whole(table, &bundles, &std::mem::take(&mut whole)).map_err(wrong)?);
                scans.push(read_piece(lake, table, &bundles, &arranged, piece, None).map_err(wrong)?);
            }
        }
    }
    scans.extend(read_whole(table, &bundles, &whole).map_err(wrong)?);
    joined(scans, table)
}

/// Bundles one after the other; `None`: there are none.
fn read_whole(table: &Table, bundles: &[Opened], which: &[usize]) -> PolarsResult<Option<LazyFrame>> {
    if which.is_empty() {
        return Ok(None);
    }
    let files = which.iter().map(|bundle| bundles[*bundle].file.try_clone()).collect::<std::io::Result<Arc<[_]>>>()?;
    let hive_options = HiveOptions { enabled: Some(false), ..HiveOptions::default() };
    let arguments = ScanArgsParquet { schema: Some(Arc::new(answered(table))), hive_options, glob: false, ..ScanArgsParquet::default() };
    LazyFrame::scan_parquet_sources(ScanSources::Files(files), arguments).map(Some)
}

fn read_piece(
    lake: &Lake,
    table: &Table,
    bundles: &[Opened],
    arranged: &Arranged<'_>,
    piece: &Piece,
    path: Option<&str>,
) -> PolarsResult<LazyFrame> {
    match piece {
        Piece::Files(files) => {
            let shape = arranged.files[files.start].0;
            scan_files(lake, table, shape, arranged.files[files.clone()].iter().map(|(_, file)| file.key.as_str()), path)
        }
        Piece::Bundled(bundle, sources) => {
            let before = &bundles[*bundle].before;
            let (start, end) = (before[sources.start], before[sources.end]);
            let whole = read_whole(table, bundles, &[*bundle])?.unwrap_or_default();
            Ok(whole.slice(i64::try_from(start).unwrap_or(i64::MAX), (end - start) as _))
        }
    }
}
