//! One object in the making: parts are sent while later ones are still being made, a bounded number at a time.

use super::Staged;
use super::bucket::{Bucket, io_error, runtime};
use crate::error::LakeError;
use object_store::PutPayload;
use object_store::multipart::{MultipartStore, PartId};
use std::collections::VecDeque;
use std::io::Write;
use tokio::task::JoinHandle;

/// Bytes of a part; after 2,000 parts twice as many, and so on, since a store takes 10,000 parts at most.
const PART: usize = 8 << 20;
/// Parts on their way at once; with the one that is filled, what an upload holds in memory.
const IN_FLIGHT: usize = 3;

/// An upload that has begun; dropped before it is finished, it is given up.
pub(super) struct Upload {
    bucket: Bucket,
    key: String,
    id: String,
    buffer: Vec<u8>,
    sent: usize,
    parts: Vec<String>,
    in_flight: VecDeque<JoinHandle<object_store::Result<PartId>>>,
    finished: bool,
}

impl Upload {
    pub(super) fn new(bucket: Bucket, key: &str, id: String) -> Self {
        Self {
            bucket,
            key: key.to_owned(),
            id,
            buffer: Vec::new(),
            sent: 0,
            parts: Vec::new(),
            in_flight: VecDeque::new(),
            finished: false,
        }
    }

    fn part_bytes(&self) -> usize {
        PART * (1 + self.sent / 2000)
    }

    /// Sends what is buffered; waits for the oldest part where enough are on their way.
    fn send(&mut self) -> std::io::Result<()> {
        while self.in_flight.len() >= IN_FLIGHT {
            self.arrive()?;
        }
        let (store, path, id) = (self.bucket.store.clone(), self.bucket.path(&self.key), self.id.clone());
        let (number, payload) = (self.sent, PutPayload::from(std::mem::take(&mut self.buffer)));
        let runtime = runtime().map_err(std::io::Error::other)?;
        self.in_flight.push_back(runtime.spawn(async move { store.put_part(&path, &id, number, payload).await }));
        self.sent += 1;
        Ok(())
    }

    /// Waits for the oldest part.
    fn arrive(&mut self) -> std::io::Result<()> {
        let Some(oldest) = self.in_flight.pop_front() else { return Ok(()) };
        let part = runtime().map_err(std::io::Error::other)?.block_on(oldest).map_err(std::io::Error::other)?.map_err(io_error)?;
        self.parts.push(part.content_id);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Staged, LakeError> {
        let mut end = || -> std::io::Result<()> {
            if !self.buffer.is_empty() || self.sent == 0 {
                self.send()?;
            }
            while !self.in_flight.is_empty() {
                self.arrive()?;
            }
            Ok(())
        };
        end().map_err(LakeError::io(&self.bucket.show(&self.key)))?;
        self.finished = true;
        Ok((self.key.clone(), self.id.clone(), std::mem::take(&mut self.parts)).into())
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = bytes.len().min(self.part_bytes() - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() >= self.part_bytes() {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.finished {
            self.in_flight.iter().for_each(JoinHandle::abort);
            // What cannot be given up now is given up by the run's next writer.
            let _ = self.bucket.wait(&self.key, self.bucket.store.abort_multipart(&self.bucket.path(&self.key), &self.id));
        }
    }
}
