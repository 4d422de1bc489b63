//! A publication: files that appear and others that go, together.

use super::{Entry, Manifest, Pending};
use crate::error::LakeError;
use crate::layout::Lake;
use crate::parquet_file::hex;
use crate::store::Staged;
use sha2::{Digest, Sha256};
use std::io::Read;

/// Files of one run that appear, and others that go, together.
pub struct Commit<'l> {
    pub(super) lake: &'l Lake,
    run: String,
    pub(super) pending: Pending,
}

impl<'l> Commit<'l> {
    /// Nothing yet. The caller holds the run's lock, and has called [`Manifest::recover`] since it took it.
    pub fn new(lake: &'l Lake, run: &str) -> Self {
        Self { lake, run: run.to_owned(), pending: Pending::default() }
    }

    /// A staged file appears.
    pub(crate) fn add(&mut self, staged: Staged, entry: Entry) {
        self.pending.removed.retain(|key| key != staged.key());
        self.pending.files.insert(staged.key().to_owned(), entry);
        self.pending.staged.push(staged);
    }

    /// A finished file of this machine that is no table appears as `key`; it may be moved away.
    ///
    /// # Errors
    /// A file that cannot be read; a system that refuses.
    pub fn add_file(
        &mut self,
        path: &std::path::Path,
        key: &str,
        stage: &str,
        step: Option<u64>,
        fingerprint: &str,
    ) -> Result<(), LakeError> {
        let mut file = std::fs::File::open(path).map_err(LakeError::io(path))?;
        let (bytes, sha256) = digest(&mut file).map_err(LakeError::io(path))?;
        let staged = self.lake.store().stage_file(&self.run, path, key)?;
        self.add(
            staged,
            Entry { stage: stage.to_owned(), step, fingerprint: fingerprint.to_owned(), bytes, sha256, rows: None, lists: None },
        );
        Ok(())
    }

    /// A file goes, unless this commit makes it anew.
    pub fn remove(&mut self, key: &str) {
        if !self.pending.files.contains_key(key) {
            self.pending.removed.push(key.to_owned());
        }
    }

    /// Decides and does it.
    ///
    /// # Errors
    /// A system that refuses. Before the decision nothing has changed; after it, the run's next writer ends what is left.
    pub fn finish(self) -> Result<(), LakeError> {
        let (lake, run) = (self.lake, self.run.clone());
        let done = self.decide();
        if done.is_err() {
            Manifest::recover_after_failure(lake, &run);
        }
        done
    }

    fn decide(self) -> Result<(), LakeError> {
        if self.pending == Pending::default() {
            return Ok(());
        }
        let mut manifest = Manifest::load_raw(self.lake, &self.run)?;
        manifest.pending = Some(self.pending);
        manifest.save(self.lake, &self.run)?;
        manifest.settle(self.lake, &self.run)?;
        self.lake.store().forget_staged(&self.run)
    }
}

/// Length and SHA-256 of all that a reader gives.
///
/// # Errors
/// What the reader fails with.
pub fn digest(reader: &mut dyn Read) -> std::io::Result<(u64, String)> {
    let (mut digest, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 18]);
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, hex(&digest.finalize())));
        }
        digest.update(&buffer[..read]);
        bytes += read as u64;
    }
}
