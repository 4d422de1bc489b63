//! Slurm's commands, played by scripts that note what they are asked.

use crate::common::{Bench, Outcome, gridlake};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What every command notes: its arguments, each on its own behind a 0, and a 1 behind the last.
const NOTES: &str = "#!/bin/sh\nhere=${0%/*}\nprintf '%s\\0' \"$@\" >>\"$0.asked\"\nprintf '\\1\\0' >>\"$0.asked\"\n";

/// A folder of commands that play Slurm's.
pub(crate) struct Slurm {
    pub(crate) folder: tempfile::TempDir,
}

impl Slurm {
    /// A cluster that takes arrays of so many tasks.
    pub(crate) fn new(most: usize) -> Self {
        let slurm = Self { folder: tempfile::tempdir().unwrap() };
        // Numbers jobs from 101, keeps their scripts, and refuses the job whose number is in the file `refused`.
        slurm.play(
            "sbatch",
            "number=$(($(cat \"$here/number\" 2>/dev/null || echo 100) + 1))\necho $number >\"$here/number\"\n\
             if [ \"$(cat \"$here/refused\" 2>/dev/null)\" = $number ]; then echo 'sbatch: error: invalid partition specified: x' >&2; exit 1; fi\n\
             for one; do case $one in */gridlake.sh) cat \"$one\" >\"$here/script.$number\";; esac; done\necho \"$number;c1\"",
        );
        slurm.play(
            "scontrol",
            &format!("if [ \"$1\" = show ]; then printf 'ClusterName             = c1\\nMaxArraySize            = {most}\\n'; fi"),
        );
        slurm.play(
            "squeue",
            "case \"$*\" in *--format=%T*) cat \"$here/state\" 2>/dev/null;; *) cat \"$here/queue\" 2>/dev/null;; esac; exit 0",
        );
        slurm.play("scancel", "");
        slurm
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn play(&self, name: &str, script: &str) {
        fs::write(self.path(name), format!("{NOTES}{script}\n")).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn says(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The arguments of every call of a command.
    pub(crate) fn asked(&self, name: &str) -> Vec<Vec<String>> {
        let text = fs::read(self.path(&format!("{name}.asked"))).unwrap_or_default();
        let text = String::from_utf8(text).unwrap();
        let mut calls: Vec<&str> = text.split("\u{1}\0").collect();
        assert_eq!(calls.pop(), Some(""));
        calls.iter().map(|call| call.split_terminator('\0').map(str::to_owned).collect()).collect()
    }

    /// A command that finds these commands, and the shell that they need.
    pub(crate) fn with(&self, mut command: Command) -> Command {
        for name in ["SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_ID", "SLURM_RESTART_COUNT", "SLURM_CPUS_PER_TASK"] {
            command.env_remove(name);
        }
        command.env("PATH", format!("{}:/usr/bin:/bin", self.folder.path().display()));
        command
    }

    pub(crate) fn verb(&self, bench: &Bench, verb: &str, more: &[&str]) -> Outcome {
        Outcome::of(self.with(bench.command(verb)).args(more))
    }

    pub(crate) fn done(&self, bench: &Bench, verb: &str, more: &[&str]) -> Outcome {
        let outcome = self.verb(bench, verb, more);
        assert_eq!(outcome.code, 0, "{verb} {more:?}: {outcome:?}");
        outcome
    }

    /// A verb about the lake.
    pub(crate) fn about(&self, bench: &Bench, verb: &str, more: &[&str]) -> Outcome {
        let mut command = gridlake();
        command.arg(verb).arg(&bench.lake);
        Outcome::of(self.with(command).args(more))
    }

    /// What Slurm would start for a task: the arguments behind the job's script.
    pub(crate) fn task(&self, call: &[String], task: usize, restarts: u32) -> Command {
        let program = call.iter().position(|argument| argument.ends_with("/gridlake.sh")).unwrap() + 1;
        let mut command = self.with(Command::new(&call[program]));
        command.args(&call[program + 1..]).env("SLURM_ARRAY_JOB_ID", "101").env("SLURM_ARRAY_TASK_ID", task.to_string());
        command.env("SLURM_CPUS_PER_TASK", "1").stdin(Stdio::null());
        if restarts > 0 {
            command.env("SLURM_RESTART_COUNT", restarts.to_string());
        }
        command
    }
}
