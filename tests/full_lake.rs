//! A lake on a full disk.

use crate::common::{Bench, Outcome, gridlake};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of a given size in memory, unmounted when dropped.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where the system lets nobody mount, as in many containers.
    pub(crate) fn mount(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then(|| Self(at.to_path_buf()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_one_clear_error_and_what_was_done_stays() {
    let bench = Bench::new();
    let disk = bench.folder().join("disk");
    let Some(_disk) = SmallDisk::mount(&disk, "400k") else {
        eprintln!("full_lake: skipped, this system lets the test mount no small disk");
        return;
    };
    let lake = disk.join("lake");
    let verb = |verb: &str, more: &[&str]| Outcome::of(gridlake().arg(verb).arg(&bench.pipeline).arg("--lake").arg(&lake).args(more));
    let trained = verb("train", &[]);
    assert_eq!(trained.code, 0, "{trained:?}");
    // 40 × 4000 moments of 12 units do not fit.
    let failed = verb("record", &["--set", "record.steps=4000"]);
    failed.fails(1, &[lake.to_str().unwrap(), "space"]);
    let recorded = verb("record", &[]);
    assert_eq!(recorded.code, 0, "the failed recording left its space: {recorded:?}");
}
