//! A lake in a bucket of an object store that speaks S3.
//!
//! Credentials and endpoint come from the environment, by the names that other tools use: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
//! `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`, or the roles of containers and machines.

use super::upload::Upload;
use super::{Listing, Source, Staged};
use crate::error::LakeError;
use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path as ObjectPath;
use object_store::{
    BackoffConfig, Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig,
    UpdateVersion,
};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Attempts after the first one, with pauses of 0.1 s, doubled up to 5 s: half a minute in all.
const RETRIES: usize = 9;
/// Pauses before each look at whether a refused upload is in place after all.
const LOOKS: &[Duration] = &[Duration::ZERO, Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(3)];
/// What is fetched at once where parts of an object are read.
const BLOCK: u64 = 2 << 20;
/// Blocks of one open object that are kept.
const BLOCKS: usize = 16;

/// Uploads that a run has begun: keys and the store's names.
type Begun = Vec<(String, String)>;

#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub(super) store: Arc<AmazonS3>,
    name: String,
    prefix: String,
    /// By run, the uploads that this process knows to be begun.
    begun: Arc<Mutex<HashMap<String, Begun>>>,
}

/// An object as it was when it was opened.
#[derive(Debug)]
pub(super) struct Object {
    bucket: Bucket,
    path: ObjectPath,
    etag: Option<String>,
    length: u64,
    blocks: Mutex<VecDeque<(u64, Bytes)>>,
}

/// An object's content and what tells its versions apart.
pub(super) struct Versioned {
    pub(super) bytes: Bytes,
    pub(super) version: UpdateVersion,
}

/// Threads that talk to object stores.
pub(super) fn runtime() -> Result<&'static Runtime, LakeError> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let made = RUNTIME
        .get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("object-store").enable_all().build());
    made.as_ref().map_err(|error| LakeError::Io { path: "s3://".into(), source: std::io::Error::new(error.kind(), error.to_string()) })
}

/// The environment's settings of object stores, endpoint included.
pub(super) fn settings() -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = std::env::vars().filter(|(name, _)| name.starts_with("AWS_")).collect();
    if let Some(endpoint) = endpoint() {
        found.push(("aws_allow_http".to_owned(), endpoint.starts_with("http://").to_string()));
        found.push(("aws_endpoint".to_owned(), endpoint));
    }
    found.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
}

fn endpoint() -> Option<String> {
    ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"].iter().find_map(|name| std::env::var(name).ok())
}

/// Whether an endpoint is one that requests can be made of.
fn is_address(endpoint: &str) -> bool {
    let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
    host.is_some_and(|host| !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._~:/[]@%".contains(c)))
}

/// The system's word for what an object store says, with the remedy where there is one.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn io_error(error: Error) -> std::io::Error {
    let kind = match &error {
        Error::NotFound { .. } => ErrorKind::NotFound,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => ErrorKind::PermissionDenied,
        _ => ErrorKind::Other,
    };
    let remedy = match &error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            "; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they are allowed to do"
        }
        Error::Precondition { .. } => "; the object was replaced while it was read: run the command again",
        Error::Generic { .. } => "; check AWS_ENDPOINT_URL, AWS_REGION, the credentials and the network, and run the command again",
        _ => "",
    };
    std::io::Error::new(kind, format!("{error}{remedy}"))
}

impl Bucket {
    pub(super) fn new(name: &str, prefix: &str) -> Result<Self, LakeError> {
        let backoff = BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(5), base: 2.0 };
        let retry = RetryConfig { backoff, max_retries: RETRIES, retry_timeout: Duration::from_mins(2) };
        let address = PathBuf::from(format!("s3://{name}"));
        if let Some(endpoint) = endpoint().filter(|endpoint| !is_address(endpoint)) {
            let reason = format!("AWS_ENDPOINT_URL is \"{endpoint}\"; allowed: http:// or https:// with a host");
            return Err(LakeError::Io { path: address, source: std::io::Error::other(reason) });
        }
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(name).with_retry(retry);
        if let Some(endpoint) = endpoint() {
            builder = builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(endpoint);
        }
        let store = builder.build().map_err(io_error).map_err(LakeError::io(&address))?;
        Ok(Self { store: Arc::new(store), name: name.to_owned(), prefix: prefix.to_owned(), begun: Arc::default() })
    }

    pub(super) fn path(&self, key: &str) -> ObjectPath {
        match (self.prefix.is_empty(), key.is_empty()) {
            (true, _) => ObjectPath::from(key),
            (false, true) => ObjectPath::from(self.prefix.as_str()),
            (false, false) => ObjectPath::from(format!("{}/{key}", self.prefix)),
        }
    }

    pub(super) fn show(&self, key: &str) -> PathBuf {
        PathBuf::from(format!("s3://{}/{}", self.name, self.path(key)))
    }

    /// Waits for an answer of the store about `key`.
    pub(super) fn wait<T>(&self, key: &str, answer: impl Future<Output = object_store::Result<T>>) -> Result<T, LakeError> {
        runtime()?.block_on(answer).map_err(io_error).map_err(LakeError::io(&self.show(key)))
    }

    /// The same, where absent objects are `None`.
    fn wait_present<T>(&self, key: &str, answer: impl Future<Output = object_store::Result<T>>) -> Result<Option<T>, LakeError> {
        match runtime()?.block_on(answer) {
            Err(Error::NotFound { .. }) => Ok(None),
            answer => answer.map(Some).map_err(io_error).map_err(LakeError::io(&self.show(key))),
        }
    }

    pub(super) fn read(&self, key: &str) -> Result<Option<Vec<u8>>, LakeError> {
        Ok(self.read_versioned(key)?.map(|found| found.bytes.to_vec()))
    }

    pub(super) fn read_versioned(&self, key: &str) -> Result<Option<Versioned>, LakeError> {
        let path = self.path(key);
        self.wait_present(key, async {
            let found = self.store.get(&path).await?;
            let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
            Ok(Versioned { bytes: found.bytes().await?, version })
        })
    }

    pub(super) fn write(&self, key: &str, bytes: &[u8]) -> Result<(), LakeError> {
        self.wait(key, self.store.put(&self.path(key), PutPayload::from(bytes.to_vec()))).map(|_| ())
    }

    /// Writes only where the object is as it was; `None`: only where there is none. Returns its version, or `None` where it was not as expected.
    pub(super) fn write_if(&self, key: &str, bytes: &[u8], expected: Option<UpdateVersion>) -> Result<Option<UpdateVersion>, LakeError> {
        let mode = expected.map_or(PutMode::Create, PutMode::Update);
        let options = PutOptions { mode, ..PutOptions::default() };
        match runtime()?.block_on(self.store.put_opts(&self.path(key), PutPayload::from(bytes.to_vec()), options)) {
            Ok(done) => Ok(Some(UpdateVersion { e_tag: done.e_tag, version: done.version })),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(LakeError::Io { path: self.show(key), source: io_error(error) }),
        }
    }

    /// The same by its tag. An answer that was lost on its way leaves open whether the object was written: so look, and ask again where it was not.
    pub(super) fn replace(&self, key: &str, bytes: &[u8], etag: Option<String>) -> Result<Option<UpdateVersion>, LakeError> {
        let expected = etag.map(|etag| UpdateVersion { e_tag: Some(etag), version: None });
        for last in [false, true] {
            let written = self.write_if(key, bytes, expected.clone());
            if let Ok(Some(version)) = written {
                return Ok(Some(version));
            }
            let found = self.read_versioned(key)?;
            if let Some(found) = found.as_ref().filter(|found| found.bytes == bytes) {
                return Ok(Some(found.version.clone()));
            }
            let untouched = found.map(|found| found.version.e_tag) == expected.as_ref().map(|expected| expected.e_tag.clone());
            if !untouched {
                return Ok(None);
            }
            if last {
                return written;
            }
        }
        Ok(None)
    }

    pub(super) fn found(&self, key: &str, bytes: &[u8]) -> Result<bool, LakeError> {
        if self.size(key)?.is_some() {
            return Ok(true);
        }
        let listing = self.list("")?;
        if !listing.files.is_empty() || !listing.folders.is_empty() {
            // Unless another process has made it since.
            return Ok(self.size(key)?.is_some());
        }
        self.write_if(key, bytes, None)?;
        Ok(true)
    }

    pub(super) fn size(&self, key: &str) -> Result<Option<u64>, LakeError> {
        Ok(self.wait_present(key, self.store.head(&self.path(key)))?.map(|meta| meta.size))
    }

    pub(super) fn list(&self, key: &str) -> Result<Listing, LakeError> {
        let path = self.path(key);
        let prefix = (!path.as_ref().is_empty()).then_some(&path);
        let found = self.wait(key, self.store.list_with_delimiter(prefix))?;
        let name = |path: &ObjectPath| path.filename().unwrap_or_default().to_owned();
        let mut listing = Listing {
            files: found.objects.iter().map(|meta| (name(&meta.location), meta.size)).collect(),
            folders: found.common_prefixes.iter().map(name).collect(),
        };
        listing.files.sort();
        listing.folders.sort();
        Ok(listing)
    }

    /// One request for a thousand files, whatever folders they are in.
    pub(super) fn files_below(&self, key: &str) -> Result<Vec<(String, u64)>, LakeError> {
        let folder = format!("{}/", self.path(key));
        let prefix = (folder != "/").then_some(folder.as_str());
        let inside = if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) };
        let key_of = |meta: &ObjectMeta| meta.location.as_ref().strip_prefix(inside.as_str()).map(str::to_owned);
        let mut files: Vec<(String, u64)> = Vec::new();
        let mut options = PaginatedListOptions::default();
        loop {
            let page = self.wait(key, self.store.list_paginated(prefix, options))?;
            files.extend(page.result.objects.iter().filter_map(|meta| Some((key_of(meta)?, meta.size))));
            if page.page_token.is_none() {
                break;
            }
            options = PaginatedListOptions { page_token: page.page_token, ..PaginatedListOptions::default() };
        }
        files.sort();
        Ok(files)
    }

    pub(super) fn sizes(&self, keys: &[&str]) -> Result<Vec<Option<u64>>, LakeError> {
        let folder = |key: &str| key.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned());
        let mut together: HashMap<String, usize> = HashMap::new();
        for key in keys {
            *together.entry(folder(key)).or_default() += 1;
        }
        together.retain(|_, files| *files > 2);
        let listings = together.into_keys().map(|folder| Ok((self.list(&folder)?.files, folder)));
        let listings: Vec<(Vec<(String, u64)>, String)> = listings.collect::<Result<_, LakeError>>()?;
        let listed = |key: &str| {
            let (files, of) = listings.iter().find(|(_, of)| *of == folder(key))?;
            let name = key.get(of.len() + 1..).unwrap_or_default();
            Some(files.iter().find(|(file, _)| file == name).map(|(_, size)| *size))
        };
        keys.iter().map(|key| listed(key).map_or_else(|| self.size(key), Ok)).collect()
    }

    pub(super) fn remove(&self, key: &str) -> Result<(), LakeError> {
        self.wait_present(key, self.store.delete(&self.path(key))).map(|_| ())
    }

    /// Asks for the beginning at once: of a small object that is all of it.
    pub(super) fn open(&self, key: &str) -> Result<Source, LakeError> {
        let path = self.path(key);
        let options = GetOptions { range: Some(GetRange::Bounded(0..BLOCK)), ..GetOptions::default() };
        let beginning = runtime()?.block_on(async {
            let found = self.store.get_opts(&path, options).await?;
            let (meta, range) = (found.meta.clone(), found.range.clone());
            Ok::<_, Error>((meta, range, found.bytes().await?))
        });
        let (meta, blocks) = match beginning {
            Ok((meta, range, bytes)) if range.start == 0 && bytes.len() as u64 == meta.size.min(BLOCK) => {
                (meta, VecDeque::from([(0, bytes)]))
            }
            Err(error @ Error::NotFound { .. }) => return Err(LakeError::Io { path: self.show(key), source: io_error(error) }),
            // There is no beginning of an empty object, which stores say in many ways.
            _ => (self.wait(key, self.store.head(&path))?, VecDeque::new()),
        };
        let object = Object { bucket: self.clone(), path, etag: meta.e_tag, length: meta.size, blocks: Mutex::new(blocks) };
        Ok(Source::object(object, meta.size))
    }

    pub(super) fn stage(&self, run: &str, key: &str) -> Result<Upload, LakeError> {
        let id = self.wait(key, self.store.create_multipart(&self.path(key)))?;
        let begun = format!("runs/{run}/.uploads.json");
        // Read once: this process alone writes to the run, or publishes nothing more.
        let mut known = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let uploads = match known.entry(run.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(self.uploads(&begun)?),
        };
        uploads.push((key.to_owned(), id.clone()));
        self.write(&begun, serde_json::to_string(&uploads).unwrap_or_default().as_bytes())?;
        Ok(Upload::new(self.clone(), key, id))
    }

    pub(super) fn leftovers(&self, run: &str) -> Result<Vec<String>, LakeError> {
        let begun = format!("runs/{run}/.uploads.json");
        Ok(if self.uploads(&begun)?.is_empty() { Vec::new() } else { vec![begun] })
    }

    /// Uploads that a run has begun. What cannot be read names none: the store's own rules remove old uploads.
    fn uploads(&self, begun: &str) -> Result<Begun, LakeError> {
        Ok(self.read(begun)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
    }

    pub(super) fn adopt(&self, key: &str, id: &str, parts: &[String], bytes: u64, sha256: &str) -> Result<(), LakeError> {
        let parts = parts.iter().map(|part| PartId { content_id: part.clone() }).collect();
        let path = self.path(key);
        let completed = runtime()?.block_on(self.store.complete_multipart(&path, &id.to_owned(), parts));
        let Err(error) = completed else { return Ok(()) };
        // It may have been completed before the process was killed, or before the answer came, and a store may be at work on it still; stores say so
        // in many ways.
        let gone = matches!(error, Error::NotFound { .. } | Error::PermissionDenied { .. } | Error::Unauthenticated { .. });
        for pause in if gone { LOOKS } else { &LOOKS[..1] } {
            std::thread::sleep(*pause);
            if self.size(key)? == Some(bytes) {
                let (_, found) = crate::manifest::digest(&mut self.open(key)?.reader()).map_err(LakeError::io(&self.show(key)))?;
                if found == sha256 {
                    return Ok(());
                }
            }
        }
        if matches!(error, Error::NotFound { .. }) {
            return Err(LakeError::damaged(
                &self.show(key),
                "was decided, but the store has given up its upload (a rule that removes old uploads?); remove the run's manifest.json and run again: \
                 tables and figures are made anew, checkpoints stay, rows of metrics so far are lost",
            ));
        }
        Err(LakeError::Io { path: self.show(key), source: io_error(error) })
    }

    /// Nothing is known of what a run has begun.
    fn forget_begun(&self, run: &str) {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(run);
    }

    pub(super) fn clear_staged(&self, run: &str) -> Result<(), LakeError> {
        self.forget_begun(run);
        let begun = format!("runs/{run}/.uploads.json");
        let uploads = self.uploads(&begun)?;
        if uploads.is_empty() {
            return Ok(());
        }
        for (key, id) in &uploads {
            // Completed and aborted uploads are gone already.
            let _ = self.wait(key, self.store.abort_multipart(&self.path(key), id));
        }
        self.remove(&begun)
    }

    pub(super) fn forget_staged(&self, run: &str) -> Result<(), LakeError> {
        self.forget_begun(run);
        self.remove(&format!("runs/{run}/.uploads.json"))
    }
}

impl Object {
    /// Bytes by way of the blocks they lie in.
    pub(super) fn bytes(&self, start: u64, length: usize) -> std::io::Result<Bytes> {
        let end = start + length as u64;
        let (first, last) = (start / BLOCK, end.saturating_sub(1) / BLOCK);
        if first == last {
            let block = self.block(first)?;
            let from = (start - first * BLOCK) as usize;
            return Ok(block.slice(from..from + length));
        }
        let mut bytes = Vec::with_capacity(length);
        if last - first < 4 {
            for number in first..=last {
                let block = self.block(number)?;
                let at = number * BLOCK;
                let (from, to) = (start.max(at) - at, end.min(at + BLOCK) - at);
                bytes.extend_from_slice(&block[from as usize..to as usize]);
            }
            return Ok(bytes.into());
        }
        self.fetch(start, end)
    }

    fn block(&self, number: u64) -> std::io::Result<Bytes> {
        let blocks = || self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, block)) = blocks().iter().find(|(known, _)| *known == number) {
            return Ok(block.clone());
        }
        let block = self.fetch(number * BLOCK, ((number + 1) * BLOCK).min(self.length))?;
        let mut blocks = blocks();
        blocks.push_back((number, block.clone()));
        if blocks.len() > BLOCKS {
            blocks.pop_front();
        }
        Ok(block)
    }

    fn fetch(&self, start: u64, end: u64) -> std::io::Result<Bytes> {
        let options = GetOptions { range: Some(GetRange::Bounded(start..end)), if_match: self.etag.clone(), ..GetOptions::default() };
        let runtime = runtime().map_err(std::io::Error::other)?;
        let fetched = runtime.block_on(async { self.bucket.store.get_opts(&self.path, options).await?.bytes().await }).map_err(io_error)?;
        if fetched.len() as u64 == end - start { Ok(fetched) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }
}

impl From<(String, String, Vec<String>)> for Staged {
    fn from((key, id, parts): (String, String, Vec<String>)) -> Self {
        Staged::Upload { key, id, parts }
    }
}
