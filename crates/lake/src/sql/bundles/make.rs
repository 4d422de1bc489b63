//! Bundles of files that are in none, and of those of bundles that are no longer whole.

use super::catalog::{self, Bundle, Made, Opened};
use super::{Arranged, Piece, SMALL, SPARE, read_piece};
use crate::layout::Lake;
use crate::manifest::hex;
use crate::schema::Table;
use crate::sql::Bundling;
use crate::sql::scan::{answered, path_of};
use crate::store::Stamp;
use polars::prelude::{DataFrame, ParquetCompression, ParquetWriter};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

/// What the files of one bundle have in all, at most.
const MOST_BYTES: u64 = 32 << 20;
/// Files of one bundle, at most.
const MOST_FILES: usize = 4096;
/// Bundles after which the catalog is written.
const OFTEN: usize = 16;
/// A file that changed so lately may change again without its times telling.
const YOUNG: Duration = Duration::from_secs(2);
/// The column that says where rows are from, while they are read.
const PATH: &str = "gridlake file";

/// Makes what is missing, if that is much. Returns whether there are other bundles now.
pub(super) fn make(lake: &Lake, table: &Table, bundles: &[Opened], arranged: &Arranged<'_>, bundling: Bundling<'_>) -> bool {
    let stamps: Vec<Option<Stamp>> = (0..arranged.files.len()).into_par_iter().map(|file| fit(lake, arranged, file)).collect();
    let missing = stamps.iter().flatten().count();
    let pieces = arranged.all();
    if missing <= SPARE && pieces.len() <= SPARE + bundles.len() {
        return false;
    }
    // Where nothing can be written, every file is read where it is.
    if !catalog::save(lake, table, bundles.iter().map(|opened| &opened.bundle)) {
        return false;
    }
    let is_kept = |piece: &&Piece| matches!(piece, Piece::Bundled(bundle, sources) if is_full(&bundles[*bundle].bundle, sources));
    let kept: BTreeSet<usize> = pieces.iter().filter(is_kept).filter_map(Piece::bundle).collect();
    let is_open = |file: usize| match arranged.places[file] {
        Some((bundle, _)) => !kept.contains(&bundle),
        None => stamps[file].is_some(),
    };
    let mut made: Vec<Bundle> = kept.iter().map(|bundle| bundles[*bundle].bundle.clone()).collect();
    let before = made.len();
    let mut open = portions(arranged, is_open);
    open.reverse();
    let all: usize = open.iter().map(Range::len).sum();
    while let Some(portion) = open.pop() {
        bundling(table.name, all - portion.len() - open.iter().map(Range::len).sum::<usize>(), all);
        let Some((bundle, bytes)) = bundle_of(lake, table, bundles, arranged, &stamps, portion.clone()) else {
            // The others do without the one that cannot be read.
            let middle = portion.start.midpoint(portion.end);
            open.extend([middle..portion.end, portion.start..middle].into_iter().filter(|half| half.len() > 1));
            continue;
        };
        if lake.store().write(&catalog::key(table, &bundle.file), &bytes).is_err() {
            // A full disk, perhaps.
            break;
        }
        made.push(bundle);
        // Who is stopped goes on from here.
        if (made.len() - before).is_multiple_of(OFTEN) {
            catalog::save(lake, table, &made);
        }
    }
    if made.len() > before {
        catalog::save(lake, table, &made);
    }
    made.len() > before
}

impl Piece {
    fn bundle(&self) -> Option<usize> {
        match self {
            Piece::Files(_) => None,
            Piece::Bundled(bundle, _) => Some(*bundle),
        }
    }
}

/// Whether these are all files of a bundle, and enough of them that it stays as it is.
fn is_full(bundle: &Bundle, sources: &Range<usize>) -> bool {
    let bytes: u64 = bundle.sources.iter().map(|source| source.bytes).sum();
    *sources == (0..bundle.sources.len()) && (2 * bytes > MOST_BYTES || 2 * sources.len() > MOST_FILES)
}

/// The stamp of a file that is in no bundle and may come into one.
fn fit(lake: &Lake, arranged: &Arranged<'_>, file: usize) -> Option<Stamp> {
    let listed = arranged.files[file].1;
    if arranged.places[file].is_some() || listed.bytes > SMALL {
        return None;
    }
    lake.store().stamp(&listed.key).ok().flatten().filter(|stamp| stamp.is_older(YOUNG))
}

/// Files that follow each other and belong into one bundle.
fn portions(arranged: &Arranged<'_>, is_open: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut portions = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    let mut end = |start: usize, end: usize| {
        if end > start + 1 {
            portions.push(start..end);
        }
    };
    for (file, (_, listed)) in arranged.files.iter().enumerate() {
        let is_open = is_open(file);
        if !is_open || arranged.ends.contains(&file) || bytes + listed.bytes > MOST_BYTES || file - start == MOST_FILES {
            end(start, file);
            (start, bytes) = (file, 0);
        }
        if is_open {
            bytes += listed.bytes;
        } else {
            start = file + 1;
        }
    }
    end(start, arranged.files.len());
    portions
}

/// The rows of some files, from where they are or from older bundles; `None` where a file cannot be read or has changed meanwhile.
fn bundle_of(
    lake: &Lake,
    table: &Table,
    bundles: &[Opened],
    arranged: &Arranged<'_>,
    stamps: &[Option<Stamp>],
    portion: Range<usize>,
) -> Option<(Bundle, Vec<u8>)> {
    let columns = answered(table);
    let mut all = DataFrame::empty_with_schema(&columns);
    let mut sources = Vec::new();
    for piece in arranged.pieces(portion) {
        let mut rows = read_piece(lake, table, bundles, arranged, &piece, Some(PATH)).ok()?.collect().ok()?;
        match piece {
            Piece::Bundled(bundle, of) => sources.extend_from_slice(&bundles[bundle].bundle.sources[of]),
            Piece::Files(files) => {
                let paths = rows.drop_in_place(PATH).ok()?;
                let mut paths = paths.str().ok()?.iter().flatten().peekable();
                for file in files {
                    let listed = arranged.files[file].1;
                    let path = path_of(lake, &listed.key);
                    let mut count = 0;
                    while paths.next_if(|found| *found == path.as_str()).is_some() {
                        count += 1;
                    }
                    let stamp = stamps[file].clone()?;
                    if lake.store().stamp(&listed.key).ok().flatten().as_ref() != Some(&stamp) {
                        return None;
                    }
                    sources.push(Made { key: listed.key.clone(), stamp, bytes: listed.bytes, rows: count });
                }
                if paths.next().is_some() {
                    return None;
                }
            }
        }
        all.vstack_mut(&rows).ok()?;
    }
    let rows: u64 = sources.iter().map(|source| source.rows).sum();
    if **all.schema() != columns || all.height() as u64 != rows {
        return None;
    }
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).with_compression(ParquetCompression::Zstd(None)).finish(&mut all).ok()?;
    // Not called as Parquet, so that no reader takes it for a table.
    let file = hex(&Sha256::digest(&bytes))[..32].to_owned();
    let (columns, crc32) = (catalog::columns(table), crc32fast::hash(&bytes));
    Some((Bundle { file, bytes: bytes.len() as u64, crc32, columns, sources }, bytes))
}
