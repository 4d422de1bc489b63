//! Which bundles of a table there are, and which files each was made from.

use crate::layout::Lake;
use crate::schema::Table;
use crate::sql::scan::answered;
use crate::store::Stamp;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Seek};
use std::time::Duration;

/// The first bytes of a catalog: what it is, and the version of its form and of the bundles.
const MAGIC: &[u8; 16] = b"gridlake-bundle1";
/// The catalog's name among the bundles.
const NAME: &str = "catalog";
/// What no catalog names any more, or not yet, is left so long.
const FORGOTTEN: Duration = Duration::from_hours(1);

/// The rows of several files, one after the other, in one file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Bundle {
    pub(super) file: String,
    pub(super) bytes: u64,
    pub(super) crc32: u32,
    /// As [`columns`] tells them: of another gridlake they may be others.
    pub(super) columns: String,
    pub(super) sources: Vec<Made>,
}

/// A file of a bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) key: String,
    /// That it had when it was read.
    pub(super) stamp: Stamp,
    pub(super) bytes: u64,
    pub(super) rows: u64,
}

/// A bundle whose content is what was written.
pub(super) struct Opened {
    pub(super) bundle: Bundle,
    /// Held open: another process may remove it.
    pub(super) file: File,
    /// Rows before each of its files, and of all.
    pub(super) before: Vec<u64>,
}

impl Opened {
    fn of(lake: &Lake, table: &Table, bundle: Bundle) -> Option<Self> {
        let mut file = File::open(lake.show(&key(table, &bundle.file))).ok()?;
        let (mut sum, mut bytes, mut part) = (crc32fast::Hasher::new(), 0, vec![0; 1 << 18]);
        loop {
            let read = file.read(&mut part).ok()?;
            if read == 0 {
                break;
            }
            sum.update(&part[..read]);
            bytes += read as u64;
        }
        file.rewind().ok()?;
        let mut rows = 0;
        let ends = bundle.sources.iter().map(|source| {
            rows += source.rows;
            rows
        });
        let before = std::iter::once(0).chain(ends).collect();
        ((bytes, sum.finalize()) == (bundle.bytes, bundle.crc32)).then_some(Self { bundle, file, before })
    }
}

/// The columns of a table's bundles, with their types.
pub(super) fn columns(table: &Table) -> String {
    answered(table).iter().map(|(name, kind)| format!("{name} {kind}")).collect::<Vec<_>>().join(", ")
}

fn folder(table: &Table) -> String {
    format!(".index/tables/{}", table.name)
}

/// Where a bundle is.
pub(super) fn key(table: &Table, file: &str) -> String {
    format!("{}/{file}", folder(table))
}

/// The bundles of a table; those that are torn, altered, gone or of another gridlake are left out.
pub(super) fn open(lake: &Lake, table: &Table) -> Vec<Opened> {
    let Some(text) = lake.store().read(&key(table, NAME)).ok().flatten().and_then(|bytes| unpack(&bytes)) else { return Vec::new() };
    let columns = columns(table);
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let opened = lines.par_iter().filter_map(|line| {
        let bundle = serde_json::from_slice::<Bundle>(line).ok()?;
        Opened::of(lake, table, Some(bundle).filter(|bundle| bundle.columns == columns)?)
    });
    opened.collect()
}

/// `None` where anything is not as it should be.
fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let (sum, packed) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
    (u32::from_le_bytes(*sum) == crc32fast::hash(packed)).then(|| zstd::decode_all(packed).ok()).flatten()
}

/// Writes which bundles there are, and removes those that have not been named for long. Returns whether it could be written.
pub(super) fn save<'b>(lake: &Lake, table: &Table, bundles: impl IntoIterator<Item = &'b Bundle>) -> bool {
    let bundles: Vec<&Bundle> = bundles.into_iter().collect();
    let lines: Vec<Vec<u8>> = bundles.iter().filter_map(|bundle| serde_json::to_vec(bundle).ok()).collect();
    let Ok(packed) = zstd::encode_all(lines.join(&b'\n').as_slice(), 1) else { return false };
    let mut bytes = MAGIC.to_vec();
    bytes.extend(crc32fast::hash(&packed).to_le_bytes());
    bytes.extend(packed);
    if lake.store().write(&key(table, NAME), &bytes).is_err() {
        return false;
    }
    for (name, _) in lake.store().list(&folder(table)).unwrap_or_default().files {
        let key = key(table, &name);
        // Another process may be about to name it.
        let is_old = || lake.store().stamp(&key).ok().flatten().is_some_and(|stamp| stamp.is_older(FORGOTTEN));
        if name != NAME && bundles.iter().all(|bundle| bundle.file != name) && is_old() {
            // What stays is removed another time.
            let _ = lake.store().remove(&key);
        }
    }
    true
}
