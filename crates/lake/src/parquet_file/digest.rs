//! Counts and digests what passes on to a sink.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write;

/// A sink with the size and the SHA-256 of what it was given.
pub(super) struct Digesting<W: Write> {
    /// None once it was given back.
    inner: Option<W>,
    bytes: u64,
    digest: Sha256,
}

impl<W: Write> Digesting<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner: Some(inner), bytes: 0, digest: Sha256::new() }
    }

    /// The sink, how many bytes it was given, and their digest. It takes nothing more.
    pub(super) fn give_back(&mut self) -> Option<(W, u64, String)> {
        let inner = self.inner.take()?;
        Some((inner, self.bytes, hex(&std::mem::take(&mut self.digest).finalize())))
    }

    fn inner(&mut self) -> std::io::Result<&mut W> {
        self.inner.as_mut().ok_or_else(|| std::io::Error::other("the file was ended"))
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner()?.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner()?.flush()
    }
}

/// Hexadecimal digits of a digest.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
