//! Counts and digests what passes on to a sink.

use sha2::{Digest, Sha256};
use std::io::Write;

/// Bytes that are passed on at once; pages arrive in smaller pieces.
const AT_ONCE: usize = 256 << 10;

/// A sink with the size and the SHA-256 of what it was given.
pub(super) struct Digesting<W: Write> {
    /// None once it was given back.
    inner: Option<W>,
    waiting: Vec<u8>,
    bytes: u64,
    digest: Sha256,
}

impl<W: Write> Digesting<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner: Some(inner), waiting: Vec::new(), bytes: 0, digest: Sha256::new() }
    }

    /// The sink, how many bytes it was given, and their digest. It takes nothing more; what was not flushed is lost.
    pub(super) fn give_back(&mut self) -> Option<(W, u64, String)> {
        let inner = self.inner.take()?;
        Some((inner, self.bytes, hex(&std::mem::take(&mut self.digest).finalize())))
    }

    fn pass_on(&mut self) -> std::io::Result<&mut W> {
        let inner = self.inner.as_mut().ok_or_else(|| std::io::Error::other("the file was ended"))?;
        inner.write_all(&self.waiting)?;
        self.digest.update(&self.waiting);
        self.bytes += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(inner)
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = bytes.len().min(AT_ONCE);
        if self.waiting.len() + taken > AT_ONCE {
            self.pass_on()?;
        }
        self.waiting.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.pass_on()?.flush()
    }
}

/// Hexadecimal digits of a digest.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
