//! The arrays of an NPZ file, each as a stream of its own.

use super::error::ImportError;
use super::items::{Item, Shape};
use super::npy::Header;
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};
use zip::{CompressionMethod, ZipArchive};

const REMEDY: &str = "write the file anew with numpy.savez or numpy.savez_compressed";
/// Bytes of `\x93NUMPY`, version, length and header that come before an array's numbers: at most these.
const CHUNK: usize = 1 << 16;

/// Where an array is in the file.
#[derive(Clone, Debug)]
struct Member {
    start: u64,
    compressed: u64,
    bytes: u64,
    crc32: u32,
    deflated: bool,
}

/// An opened NPZ file.
#[derive(Clone, Debug)]
pub(super) struct Archive {
    path: PathBuf,
    arrays: Vec<(Item, Option<(Member, Header)>)>,
}

impl Archive {
    /// Reads the list of arrays and each one's header.
    ///
    /// # Errors
    /// A file that is torn or no NPZ.
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let file = File::open(path).map_err(ImportError::io(path))?;
        let torn = |error: &dyn std::fmt::Display| ImportError::data(path, format!("is torn, altered or no NPZ file ({error}); {REMEDY}"));
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| torn(&error))?;
        let mut arrays: Vec<(Item, Option<(Member, Header)>)> = Vec::new();
        for number in 0..zip.len() {
            let entry = zip.by_index_raw(number).map_err(|error| torn(&error))?;
            let name = entry.name().map_err(|error| torn(&error))?;
            let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else { continue };
            if arrays.iter().any(|(item, _)| item.name == name) {
                return Err(torn(&format!("array {name} is there twice")));
            }
            let method = entry.compression();
            let member = Member {
                start: entry.data_start().ok_or_else(|| torn(&format!("array {name} has no place")))?,
                compressed: entry.compressed_size(),
                bytes: entry.size(),
                crc32: entry.crc32(),
                deflated: method == CompressionMethod::Deflated,
            };
            let readable = !entry.encrypted() && matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated);
            drop(entry);
            let header = if readable {
                Bytes::open(path, &name, &member).and_then(|mut bytes| bytes.header())
            } else {
                Err(ImportError::data(path, format!("array {name} is encrypted or compressed by {method}; {REMEDY}")))
            };
            // An array that nobody asks for may be anything.
            let (shape, found) = match header {
                Ok(header) => (Shape::Array(header.shape.clone()), Some((member, header))),
                Err(ImportError::Data { reason, .. }) => (Shape::Other(reason), None),
                Err(other) => return Err(other),
            };
            arrays.push((Item { name, shape }, found));
        }
        Ok(Self { path: path.to_owned(), arrays })
    }

    pub(super) fn items(&self) -> Vec<Item> {
        self.arrays.iter().map(|(item, _)| item.clone()).collect()
    }

    pub(super) fn name(&self, item: usize) -> &str {
        &self.arrays[item].0.name
    }

    /// All axes of an array; none for what is no array.
    pub(super) fn axes(&self, item: usize) -> &[usize] {
        self.arrays[item].1.as_ref().map_or(&[], |(_, header)| &header.shape)
    }

    /// Whether its first axis runs fastest.
    pub(super) fn is_fortran(&self, item: usize) -> bool {
        self.arrays[item].1.as_ref().is_some_and(|(_, header)| header.fortran && header.shape.len() > 1)
    }

    /// The array's numbers in the order of the file.
    ///
    /// # Errors
    /// A file that is torn, or has more or fewer bytes than the array's shape says.
    pub(super) fn numbers(&self, item: usize) -> Result<Numbers, ImportError> {
        let (own, found) = &self.arrays[item];
        let Some((member, _)) = found else { return Err(ImportError::data(&self.path, format!("array {}: {}", own.name, own.shape))) };
        let mut bytes = Bytes::open(&self.path, &own.name, member)?;
        let header = bytes.header()?;
        let left = header.count().map(|count| count * header.kind.bytes());
        let found = member.bytes.saturating_sub(bytes.done);
        if left.map(|left| left as u64) != Some(found) {
            let Shape::Array(axes) = &own.shape else { return Err(bytes.torn("its shape")) };
            return Err(bytes.torn(&format!("{found} bytes of numbers do not make an {}", Shape::Array(axes.clone()))));
        }
        Ok(Numbers { bytes, left: left.unwrap_or(0), header, buffer: vec![0; CHUNK] })
    }
}

/// The bytes of one array: decompressed, counted and summed.
struct Bytes {
    path: PathBuf,
    name: String,
    source: Source,
    digest: crc32fast::Hasher,
    done: u64,
    expected: (u64, u32),
}

enum Source {
    Stored(Take<BufReader<File>>),
    Deflated(DeflateDecoder<Take<BufReader<File>>>),
}

impl Bytes {
    fn open(path: &Path, name: &str, member: &Member) -> Result<Self, ImportError> {
        let mut file = BufReader::new(File::open(path).map_err(ImportError::io(path))?);
        file.seek(SeekFrom::Start(member.start)).map_err(ImportError::io(path))?;
        let file = file.take(member.compressed);
        let source = if member.deflated { Source::Deflated(DeflateDecoder::new(file)) } else { Source::Stored(file) };
        let expected = (member.bytes, member.crc32);
        Ok(Self { path: path.to_owned(), name: name.to_owned(), source, digest: crc32fast::Hasher::new(), done: 0, expected })
    }

    fn header(&mut self) -> Result<Header, ImportError> {
        Header::read(self).map_err(|reason| ImportError::data(&self.path, format!("array {} {reason}; {REMEDY}", self.name)))
    }

    fn torn(&self, why: &str) -> ImportError {
        ImportError::data(&self.path, format!("array {} is torn or altered ({why}); {REMEDY}", self.name))
    }

    /// Held against the archive's checksum once all bytes were read.
    fn check(&mut self) -> Result<(), ImportError> {
        let more = self.read(&mut [0]).map_err(|error| self.torn(&error.to_string()))?;
        if more > 0 || self.done != self.expected.0 {
            return Err(self.torn("it has another length than the archive says"));
        }
        if self.digest.clone().finalize() != self.expected.1 {
            return Err(self.torn("its checksum is another"));
        }
        Ok(())
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = match &mut self.source {
            Source::Stored(source) => source.read(buffer)?,
            Source::Deflated(source) => source.read(buffer)?,
        };
        self.digest.update(&buffer[..read]);
        self.done += read as u64;
        Ok(read)
    }
}

/// The numbers of one array, in the order of the file.
pub(super) struct Numbers {
    bytes: Bytes,
    /// Bytes that are still to come.
    left: usize,
    pub(super) header: Header,
    buffer: Vec<u8>,
}

impl Numbers {
    /// Appends the next `count` numbers, or as many as are left.
    ///
    /// # Errors
    /// A torn or altered file; with the last number, a checksum that differs.
    pub(super) fn take(&mut self, count: usize, numbers: &mut Vec<f64>) -> Result<(), ImportError> {
        let size = self.header.kind.bytes();
        let mut wanted = count.saturating_mul(size).min(self.left);
        while wanted > 0 {
            let part = wanted.min(CHUNK - CHUNK % size);
            self.bytes.read_exact(&mut self.buffer[..part]).map_err(|error| self.bytes.torn(&error.to_string()))?;
            self.header.decode(&self.buffer[..part], numbers);
            wanted -= part;
            self.left -= part;
            if self.left == 0 {
                self.bytes.check()?;
            }
        }
        Ok(())
    }
}
