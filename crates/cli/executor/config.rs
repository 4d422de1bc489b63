//! `[executor]`.

use crate::failure::Failure;
use crate::pipeline::settings::Reader;
use gridlake_lake::store::Location;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[executor]`: where the work is done, which changes no result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExecutorConfig {
    pub(crate) kind: Kind,
    /// Runs at work at once; 0: as many as fit.
    pub(crate) at_once: usize,
    /// Empty: the cluster's.
    pub(crate) partition: String,
    pub(crate) account: String,
    pub(crate) qos: String,
    /// `[days-]hours:minutes:seconds`; empty: the partition's.
    pub(crate) time_limit: String,
    /// Of a task.
    pub(crate) cpus: usize,
    /// Of a task; 0: the partition's.
    pub(crate) memory_gib: f64,
    /// Of a task that trains or records.
    pub(crate) gpus: usize,
    /// A folder; empty: in the lake, or for a bucket in the working directory.
    pub(crate) logs: String,
    /// More options of sbatch, each as `--key=value` or `--key`.
    pub(crate) options: Vec<String>,
}

/// `executor.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Processes of this machine.
    Local,
    /// Jobs of a Slurm cluster.
    Slurm,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Local => "local",
            Kind::Slurm => "slurm",
        }
    }
}

/// Options of sbatch that gridlake sets itself, or that would make another thing of the job. sbatch also takes the beginning of each.
const RESERVED: [&str; 25] = [
    "array",
    "chdir",
    "clusters",
    "dependency",
    "error",
    "export",
    "export-file",
    "help",
    "hold",
    "ignore-pbs",
    "input",
    "job-name",
    "kill-on-invalid-dep",
    "nodes",
    "no-requeue",
    "ntasks",
    "open-mode",
    "output",
    "parsable",
    "quiet",
    "requeue",
    "signal",
    "test-only",
    "usage",
    "wait",
];

impl ExecutorConfig {
    /// # Errors
    /// The first key that has no such value, with where it was written and what is allowed.
    pub(crate) fn check(&self, reader: &Reader<'_>) -> Result<(), Failure> {
        reader.require((0..=4096).contains(&self.at_once), "executor.at_once")?;
        reader.require(self.partition.is_empty() || self.partition.split(',').all(is_word), "executor.partition")?;
        reader.require(self.account.is_empty() || is_word(&self.account), "executor.account")?;
        reader.require(self.qos.is_empty() || is_word(&self.qos), "executor.qos")?;
        reader.require(self.time_limit.is_empty() || seconds_of(&self.time_limit).is_some(), "executor.time_limit")?;
        reader.require((1..=1024).contains(&self.cpus), "executor.cpus")?;
        reader.require((0.0..=65536.0).contains(&self.memory_gib), "executor.memory_gib")?;
        reader.require((0..=1).contains(&self.gpus), "executor.gpus")?;
        reader.require(is_loggable(&self.logs), "executor.logs")?;
        for option in &self.options {
            if let Err(why) = check_option(option) {
                return Err(reader.refuse("executor.options", &format!("holds {option:?}, {why}")));
            }
        }
        Ok(())
    }

    /// The time limit, s, if there is one.
    pub(crate) fn limit_s(&self) -> Option<u64> {
        seconds_of(&self.time_limit)
    }

    /// Where the tasks of a submission write their logs, if not into the lake.
    pub(crate) fn logs(&self, lake: &Location, submission: &str) -> Option<PathBuf> {
        match lake {
            Location::Folder(_) if self.logs.is_empty() => None,
            Location::Bucket { .. } if self.logs.is_empty() => Some(PathBuf::from("gridlake-jobs").join(submission)),
            _ => Some(PathBuf::from(&self.logs).join(submission)),
        }
    }
}

/// Names of partitions, accounts and the like: nothing that an option, a list or a pattern could be made of.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && !text.starts_with('-')
}

/// Whether Slurm can be told to write a log there: a backslash would switch off the patterns in its name.
pub(crate) fn is_loggable(path: &str) -> bool {
    !path.chars().any(|c| c == '\\' || c.is_control())
}

/// Seconds of `[days-]hours:minutes:seconds`, if it is one and not 0.
fn seconds_of(text: &str) -> Option<u64> {
    let number = |text: &str, most: u64| {
        let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|number| digits && *number <= most)
    };
    let (days, time) = text.split_once('-').map_or((Some(0), text), |(days, time)| (number(days, 3650), time));
    let [hours, minutes, seconds] = time.split(':').collect::<Vec<_>>().try_into().ok()?;
    let seconds = days? * 86_400 + number(hours, 9999)? * 3600 + number(minutes, 59)? * 60 + number(seconds, 59)?;
    (seconds > 0).then_some(seconds)
}

/// Holds one of `executor.options` to being one long option that gridlake does not set itself.
fn check_option(option: &str) -> Result<(), String> {
    let form = || "which is not of the form --key=value or --key, of printable ASCII".to_owned();
    let (key, value) = option.strip_prefix("--").ok_or_else(form)?.split_once('=').unwrap_or((option.get(2..).unwrap_or_default(), ""));
    let known = |key: &str| key.len() > 1 && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && !key.starts_with('-');
    if !known(key) || !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(form());
    }
    match RESERVED.iter().chain(&["version", "wrap"]).find(|reserved| reserved.starts_with(key)) {
        Some(reserved) => Err(format!("and --{reserved} is gridlake's to set")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_limits_are_of_one_form() {
        assert_eq!(seconds_of("00:01:30"), Some(90));
        assert_eq!(seconds_of("2-12:00:00"), Some(216_000));
        for text in ["", "90", "1:30", "00:00:00", "1:60:00", "-1:00:00", "1-1:00:00 ", "1:00:00;x", "UNLIMITED", "+1:00:00", "1:-1:00"] {
            assert_eq!(seconds_of(text), None, "{text}");
        }
    }

    #[test]
    fn options_are_long_and_none_of_gridlakes() {
        for option in ["--constraint=a100", "--exclusive", "--mail-type=FAIL", "--comment=it's $(here) `now`; \"x\""] {
            assert_eq!(check_option(option), Ok(()), "{option}");
        }
        for option in [
            "",
            "-",
            "--",
            "-p",
            "partition",
            "--=x",
            "--a",
            "---x",
            "--Wrap=x",
            "--comment=a\nb",
            "--comment=\0",
            "--comment=ä",
            "--wr ap=x",
            "--wrap=reboot",
            "--wra=reboot",
            "--output=/x",
            "--out=/x",
            "--array=0-9",
            "--arr=1",
            "--dependency=singleton",
            "--exp=NONE",
            "--no-re",
            "--job-name=x",
        ] {
            assert!(check_option(option).is_err(), "{option:?}");
        }
    }

    #[test]
    fn words_hold_nothing_that_is_read() {
        assert!(is_word("gpu-a100_2.x"));
        for text in ["", "-p", "a b", "a,b", "a;b", "a\n", "$(x)", "a%b", "ä", "a/b", "a=b"] {
            assert!(!is_word(text), "{text:?}");
        }
    }
}
