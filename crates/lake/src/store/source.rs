//! Reading parts of a file, wherever it is.

use super::bucket::Object;
use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Bytes that are read ahead while a file is read in order.
const AHEAD: usize = 1 << 16;

/// A file that is open for reading; clones read apart from each other.
#[derive(Clone, Debug)]
pub struct Source {
    place: Place,
    length: u64,
}

#[derive(Clone, Debug)]
enum Place {
    File(Arc<File>),
    Object(Arc<Object>),
}

/// Reads in order from some place on.
#[derive(Debug)]
pub struct Reader {
    source: Source,
    at: u64,
}

impl Source {
    /// A file of this machine, in a lake or not.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn open_path(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { place: Place::File(Arc::new(file)), length })
    }

    pub(super) fn object(object: Object, length: u64) -> Self {
        Self { place: Place::Object(Arc::new(object)), length }
    }

    /// Its size, bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads it from its beginning to its end.
    pub fn reader(&self) -> impl Read + Send + use<> {
        BufReader::with_capacity(16 * AHEAD, Reader { source: self.clone(), at: 0 })
    }

    /// `length` bytes from `start` on.
    ///
    /// # Errors
    /// A file that ends before; a system that refuses.
    pub fn bytes(&self, start: u64, length: usize) -> std::io::Result<Bytes> {
        if start + length as u64 > self.length {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match &self.place {
            Place::File(file) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, start)?;
                Ok(bytes.into())
            }
            Place::Object(object) => object.bytes(start, length),
        }
    }
}

impl Read for Reader {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.source.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = bytes.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        let read = match &self.source.place {
            Place::File(file) => file.read_at(&mut bytes[..wanted], self.at)?,
            Place::Object(object) => {
                bytes[..wanted].copy_from_slice(&object.bytes(self.at, wanted)?);
                wanted
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Source {
    type T = BufReader<Reader>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(BufReader::with_capacity(AHEAD, Reader { source: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        self.bytes(start, length).map_err(|error| ParquetError::External(Box::new(error)))
    }
}
