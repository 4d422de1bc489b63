//! One writer per run.
//!
//! In a folder the system's file lock, which ends with its process however it ends. On a folder that several machines share, the file system ends it some time after a machine
//! is gone, or never; whoever knows that the holder is gone may set its lock aside, and the holder, should it come back, finds that out before it publishes anything. In a bucket a
//! lease: an object that its holder renews; one that is not renewed for [`LEASE`], or whose process on this machine is gone, may be taken over. Whoever takes it does so by a
//! conditional write, so of several only one succeeds.

use super::bucket::Bucket;
use super::{Kind, Store};
use crate::error::LakeError;
use object_store::UpdateVersion;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A lease that is not renewed for so long is nobody's.
const LEASE: Duration = Duration::from_secs(30);
/// A process that was killed, or whose parent was, may take so long to be gone.
const ENDING: Duration = Duration::from_secs(1);
/// Between two renewals.
const RENEW: Duration = Duration::from_secs(8);

/// The right to write to one run; given back when dropped.
#[derive(Debug)]
pub struct RunLock(Held);

#[derive(Debug)]
enum Held {
    /// Held open, since the lock ends when it is closed.
    File(File, PathBuf),
    Lease(Lease),
}

impl RunLock {
    /// Takes the lock of `run`. In a bucket, a lease that its holder left without a word is waited for, up to half a minute.
    ///
    /// # Errors
    /// [`LakeError::Locked`] while another process holds it; a system that refuses.
    pub fn take(store: &Store, run: &str) -> Result<Self, LakeError> {
        let key = format!("runs/{run}/.lock");
        match &store.0 {
            Kind::Folder(folder) => {
                let path = folder.path(&key);
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent).map_err(LakeError::io(parent))?;
                }
                let mut file = File::options().create(true).truncate(false).write(true).open(&path).map_err(LakeError::io(&path))?;
                let since = Instant::now();
                loop {
                    match file.try_lock() {
                        Ok(()) if is_at(&file, &path) => {
                            tell_holder(&mut file, &Holder::this(), &path)?;
                            return Ok(Self(Held::File(file, path)));
                        }
                        Err(TryLockError::WouldBlock) if since.elapsed() < ENDING => std::thread::sleep(ENDING / 50),
                        // Held; or set aside, or removed with the run's folder, since it was opened.
                        Ok(()) | Err(TryLockError::WouldBlock) => return Err(LakeError::Locked { run: run.to_owned() }),
                        Err(TryLockError::Error(source)) => return Err(LakeError::Io { path, source }),
                    }
                }
            }
            Kind::Bucket(bucket) => Ok(Self(Held::Lease(Lease::take(bucket, &key, run)?))),
        }
    }

    /// Makes the lock of a holder that `is_gone` free to be taken, though the file system still holds it: another file takes the place of the locked one. A lease in a bucket ends by
    /// itself. Returns whether it is free.
    ///
    /// # Errors
    /// A system that refuses.
    pub fn set_aside(store: &Store, run: &str, is_gone: impl FnOnce(&Holder) -> bool) -> Result<bool, LakeError> {
        let Kind::Folder(folder) = &store.0 else { return Ok(false) };
        let path = folder.path(&format!("runs/{run}/.lock"));
        let text = std::fs::read(&path).map_err(LakeError::io(&path))?;
        if !serde_json::from_slice::<Holder>(&text).is_ok_and(|holder| is_gone(&holder)) {
            return Ok(false);
        }
        let other = path.with_extension(format!("{}-{}", std::process::id(), Holder::this().started));
        File::create(&other).and_then(|_| std::fs::rename(&other, &path)).map_err(LakeError::io(&path))?;
        Ok(true)
    }

    /// Refuses to go on where the lock was lost: it was set aside, or is a lease that was not renewed in time, as while its process was stopped, and that another process has taken.
    /// To be asked before anything is published.
    ///
    /// # Errors
    /// [`LakeError::Locked`] then; a store that does not answer.
    pub fn check(&self, run: &str) -> Result<(), LakeError> {
        match &self.0 {
            Held::File(file, path) if !is_at(file, path) => Err(LakeError::Locked { run: run.to_owned() }),
            Held::Lease(lease) if !lease.is_held()? => Err(LakeError::Locked { run: run.to_owned() }),
            _ => Ok(()),
        }
    }
}

/// Whether an open file is the one at a path.
fn is_at(file: &File, path: &Path) -> bool {
    let same = |one: &std::fs::Metadata, other: &std::fs::Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    matches!((file.metadata(), std::fs::metadata(path)), (Ok(one), Ok(other)) if same(&one, &other))
}

/// Writes into a lock file which task of Slurm's holds it; nothing for any other process, whose lock is never set aside.
fn tell_holder(file: &mut File, holder: &Holder, path: &Path) -> Result<(), LakeError> {
    if file.metadata().map_err(LakeError::io(path))?.len() > 0 {
        file.set_len(0).map_err(LakeError::io(path))?;
    }
    if holder.job.is_some() {
        // Where it cannot be told, nobody sets it aside.
        let _ = file.write_all(&holder.bytes());
    }
    Ok(())
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    machine: String,
    process: u32,
    /// Of the process, in the system's ticks since its start: a process's number is used again.
    started: u64,
    /// Tells renewals apart.
    renewals: u64,
    /// Of a task of a Slurm job: `<job>[_<task>].<how often it began again>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

impl Holder {
    fn this() -> Self {
        let machine = ["/proc/sys/kernel/random/boot_id", "/etc/machine-id"].iter().find_map(|path| std::fs::read_to_string(path).ok());
        let process = std::process::id();
        // Containers of one machine number their processes apart.
        let numbers = std::fs::read_link("/proc/self/ns/pid").map_or_else(|_| String::new(), |link| link.display().to_string());
        let machine = machine.map_or_else(String::new, |machine| format!("{} {numbers}", machine.trim()));
        Self { machine, process, started: started(process).unwrap_or(0), renewals: 0, job: job(|name| std::env::var(name).ok()) }
    }

    /// Whether it is a process of this machine that is no more.
    fn is_gone(&self) -> bool {
        let this = Self::this();
        !self.machine.is_empty() && self.machine == this.machine && started(self.process) != Some(self.started)
    }

    fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// When a process began, from `/proc/<process>/stat`; `None` where there is none.
fn started(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is a name in parentheses, which may hold anything; the time is the 22nd.
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(19)?.parse().ok()
}

/// How Slurm calls this process's task, from the variables that it sets.
fn job(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let array = variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID")).map(|(job, task)| format!("{job}_{task}"));
    let restarts = variable("SLURM_RESTART_COUNT").unwrap_or_else(|| "0".to_owned());
    array.or_else(|| variable("SLURM_JOB_ID")).map(|job| format!("{job}.{restarts}"))
}

#[derive(Debug)]
struct Lease {
    bucket: Bucket,
    key: String,
    version: Arc<Mutex<(UpdateVersion, Instant)>>,
    lost: Arc<AtomicBool>,
    stop: Option<mpsc::Sender<()>>,
    renewal: Option<JoinHandle<()>>,
}

impl Lease {
    fn take(bucket: &Bucket, key: &str, run: &str) -> Result<Self, LakeError> {
        let holder = Holder::this();
        let locked = || LakeError::Locked { run: run.to_owned() };
        let mut watched: Option<(UpdateVersion, Instant)> = None;
        let version = loop {
            let Some(found) = bucket.read_versioned(key)? else {
                match bucket.replace(key, &holder.bytes(), None)? {
                    Some(version) => break version,
                    None => continue,
                }
            };
            let since = match &watched {
                Some((version, since)) if version.e_tag == found.version.e_tag => *since,
                // Renewed while it was watched: its holder is alive.
                Some(_) => return Err(locked()),
                None => Instant::now(),
            };
            let gone = serde_json::from_slice::<Holder>(&found.bytes).is_ok_and(|holder| holder.is_gone());
            if gone || since.elapsed() >= LEASE {
                break bucket.replace(key, &holder.bytes(), found.version.e_tag)?.ok_or_else(locked)?;
            }
            watched = Some((found.version, since));
            std::thread::sleep(Duration::from_secs(1));
        };
        let (version, lost) = (Arc::new(Mutex::new((version, Instant::now()))), Arc::new(AtomicBool::new(false)));
        let (stop, stopped) = mpsc::channel();
        let renewal = {
            let (bucket, key, version, lost) = (bucket.clone(), key.to_owned(), version.clone(), lost.clone());
            std::thread::spawn(move || renew(&bucket, &key, holder, &version, &lost, &stopped))
        };
        Ok(Self { bucket: bucket.clone(), key: key.to_owned(), version, lost, stop: Some(stop), renewal: Some(renewal) })
    }

    /// Whether it is this process's; the store is asked where it was not renewed for long.
    fn is_held(&self) -> Result<bool, LakeError> {
        if self.lost.load(Ordering::SeqCst) {
            return Ok(false);
        }
        // Renewals wait meanwhile.
        let known = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        if known.1.elapsed() < LEASE / 2 {
            return Ok(true);
        }
        Ok(self.bucket.read_versioned(&self.key)?.is_some_and(|found| found.version.e_tag == known.0.e_tag))
    }
}

/// Renews until it is told to stop, or another process has the lease.
fn renew(
    bucket: &Bucket,
    key: &str,
    mut holder: Holder,
    version: &Mutex<(UpdateVersion, Instant)>,
    lost: &AtomicBool,
    stopped: &mpsc::Receiver<()>,
) {
    while stopped.recv_timeout(RENEW) == Err(RecvTimeoutError::Timeout) {
        holder.renewals += 1;
        let mut known = version.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = Instant::now();
        match bucket.replace(key, &holder.bytes(), known.0.e_tag.clone()) {
            Ok(Some(renewed)) => *known = (renewed, asked),
            Ok(None) => return lost.store(true, Ordering::SeqCst),
            // The next attempt may reach the store; if none does, another process takes the lease, and a later one finds out.
            Err(_) => {}
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(renewal) = self.renewal.take() {
            // A renewal that failed has nothing more to say.
            let _ = renewal.join();
        }
        if !self.lost.load(Ordering::SeqCst) {
            let mine = self.bucket.read_versioned(&self.key).ok().flatten();
            let version = self.version.lock().unwrap_or_else(PoisonError::into_inner);
            if mine.is_some_and(|found| found.version.e_tag == version.0.e_tag) {
                // One that stays is found to be nobody's.
                let _ = self.bucket.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writer_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().to_str().unwrap().parse().unwrap()).unwrap();
        let first = RunLock::take(&store, "r").unwrap();
        let refused = RunLock::take(&store, "r").unwrap_err();
        assert!(refused.to_string().contains("another gridlake process is working on run r"), "{refused}");
        RunLock::take(&store, "other").unwrap();
        first.check("r").unwrap();
        drop(first);
        RunLock::take(&store, "r").unwrap();
    }

    #[test]
    fn a_lock_that_is_set_aside_is_free_and_its_holder_finds_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().to_str().unwrap().parse().unwrap()).unwrap();
        let first = RunLock::take(&store, "r").unwrap();
        let path = folder.path().join("runs/r/.lock");
        assert_eq!(std::fs::read(&path).unwrap(), b"", "a process outside Slurm is not named");
        assert!(!RunLock::set_aside(&store, "r", |_| true).unwrap(), "so its lock is never set aside");
        let task = Holder { job: Some("7_3.0".into()), ..Holder::this() };
        tell_holder(&mut File::options().write(true).open(&path).unwrap(), &task, &path).unwrap();
        assert!(!RunLock::set_aside(&store, "r", |_| false).unwrap(), "not while its holder may be at work");
        first.check("r").unwrap();
        assert!(RunLock::take(&store, "r").is_err());
        assert!(RunLock::set_aside(&store, "r", |holder| *holder == task).unwrap());
        assert!(matches!(first.check("r"), Err(LakeError::Locked { .. })), "its holder publishes nothing more");
        let second = RunLock::take(&store, "r").unwrap();
        second.check("r").unwrap();
        drop(first);
        assert!(RunLock::take(&store, "r").is_err(), "what the first gives back is not the second's");
        assert_eq!(std::fs::read_dir(folder.path().join("runs/r")).unwrap().count(), 1, "nothing is left beside it");
        std::fs::write(&path, "{").unwrap();
        assert!(!RunLock::set_aside(&store, "r", |_| true).unwrap(), "not where nobody is named");
        drop(second);
        RunLock::take(&store, "r").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"", "who held it before is not named any more");
    }

    #[test]
    fn holders_tell_their_slurm_task() {
        let of = |known: &[(&str, &str)]| job(|name| known.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned()));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("SLURM_JOB_ID", "7")]).as_deref(), Some("7.0"));
        let array = [("SLURM_JOB_ID", "9"), ("SLURM_ARRAY_JOB_ID", "7"), ("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_RESTART_COUNT", "2")];
        assert_eq!(of(&array).as_deref(), Some("7_3.2"));
        let old: Holder = serde_json::from_str(r#"{"machine":"m","process":1,"started":2,"renewals":3}"#).unwrap();
        assert_eq!(old.job, None, "leases of older versions are read");
    }

    #[test]
    fn a_process_that_is_no_more_is_gone() {
        let this = Holder::this();
        assert!(!this.is_gone());
        assert!(Holder { started: this.started + 1, ..this.clone() }.is_gone(), "its number is used again");
        assert!(!Holder { started: this.started + 1, machine: "elsewhere".into(), ..this }.is_gone());
    }
}
