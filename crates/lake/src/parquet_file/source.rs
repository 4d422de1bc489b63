//! Where bytes come from: a file of this machine, or a few fetched pieces of any file.

use bytes::{Buf, Bytes};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use std::ops::Range;

/// Bytes between two pieces that are rather read along than asked for apart.
const GAP: u64 = 64 << 10;

fn too_short(start: u64, length: usize) -> ParquetError {
    ParquetError::EOF(format!("it ends before byte {}", start + length as u64))
}

/// Bytes at a file's end that are fetched first; the footer of most files is shorter.
const TAIL: u64 = 64 << 10;

/// The footer, and what `pages` says of the index of pages, in one request or two.
pub(super) fn load_metadata<R: ChunkReader>(source: &R, pages: PageIndexPolicy) -> Result<ParquetMetaData, ParquetError> {
    let length = source.len();
    let mut tail = TAIL.min(length);
    loop {
        let bytes = source.get_bytes(length - tail, tail as usize)?;
        let mut reader = ParquetMetaDataReader::new().with_page_index_policy(pages);
        match reader.try_parse_sized(&bytes, length) {
            Ok(()) => return reader.finish(),
            Err(ParquetError::NeedMoreData(needed)) if needed as u64 > tail && needed as u64 <= length => tail = needed as u64,
            Err(error) => return Err(error),
        }
    }
}

/// Pieces of a file in memory, in the place of the file.
#[derive(Clone)]
pub(super) struct Fetched {
    length: u64,
    pieces: Vec<(u64, Bytes)>,
}

/// Fetches ranges of a file, neighbours in one request.
pub(super) fn fetch<R: ChunkReader>(source: &R, mut ranges: Vec<Range<u64>>) -> Result<Fetched, ParquetError> {
    let length = source.len();
    ranges.retain(|range| range.start < range.end);
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        if range.end > length {
            return Err(too_short(range.start, (range.end - range.start) as usize));
        }
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP) => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    let piece = |range: Range<u64>| Ok((range.start, source.get_bytes(range.start, (range.end - range.start) as usize)?));
    Ok(Fetched { length, pieces: merged.into_iter().map(piece).collect::<Result<_, ParquetError>>()? })
}

impl Fetched {
    /// What was fetched from `start` on.
    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let after = self.pieces.partition_point(|(from, _)| *from <= start);
        let piece = after.checked_sub(1).map(|place| &self.pieces[place]);
        match piece {
            Some((from, bytes)) if start - from < bytes.len() as u64 => Ok(bytes.slice((start - from) as usize..)),
            _ => Err(ParquetError::General(format!("byte {start} was not fetched"))),
        }
    }
}

impl Length for Fetched {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Fetched {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.from(start)?;
        if length <= bytes.len() { Ok(bytes.slice(..length)) } else { Err(too_short(start, length)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn pieces_stand_for_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let content: Vec<u8> = (0..500_000_u32).map(|number| (number % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let file = crate::store::Source::open_path(&path).unwrap();
        let pieces = fetch(&file, vec![400_000..400_010, 5..10, 10..20, 100..200, 7..7]).unwrap();
        assert_eq!(pieces.pieces.iter().map(|(from, bytes)| (*from, bytes.len())).collect::<Vec<_>>(), [(5, 195), (400_000, 10)]);
        assert_eq!(pieces.get_bytes(150, 50).unwrap(), content[150..200]);
        let mut two = [0; 2];
        pieces.get_read(400_007).unwrap().read_exact(&mut two).unwrap();
        assert_eq!(two, content[400_007..400_009]);
        for (start, length) in [(0, 1), (199, 2), (200, 1), (499_999, 1)] {
            assert!(pieces.get_bytes(start, length).is_err(), "{start}");
        }
        assert!(fetch(&file, vec![0..1, 499_999..500_001]).is_err());
        assert!(file.get_bytes(499_999, 2).is_err());
    }
}
