//! Sweeps as job arrays, with Slurm's commands played by scripts; a real Slurm is in `.ci/slurm`.

use crate::common::{Bench, Outcome, TINY, gridlake, signal, snapshot, wait_for};
use crate::played_slurm::Slurm;
use crate::s3_server::{BUCKET, Server};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

const SWEEP: &str = "\n[sweep]\nseeds = [1, 2, 3, 4]\n";

fn submission(bench: &Bench) -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir(bench.lake.join("jobs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|folder| folder.join("submission.json").exists());
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn every_stage_is_an_array_that_waits_for_the_one_before() {
    let (bench, slurm) = (Bench::with(&format!("{TINY}{SWEEP}")), Slurm::new(1001));
    let settings =
        ["partition=gpu,cpu", "account=lab-1", "qos=high", "time_limit=1-02:00:00", "memory_gib=1.5", "gpus=1", "at_once=2", "cpus=3"];
    let settings: Vec<String> = settings.iter().flat_map(|setting| ["--set".to_owned(), format!("executor.{setting}")]).collect();
    let settings: Vec<&str> = settings.iter().map(String::as_str).chain(["--set", "executor.options=['--constraint=a100']"]).collect();
    let outcome = slurm.done(&bench, "submit", &settings);
    assert!(outcome.stdout.contains("5 jobs of 4 runs submitted to c1"), "{outcome:?}");
    let calls = slurm.asked("sbatch");
    let has = |job: usize, argument: &str| calls[job].iter().any(|found| found == argument);
    assert_eq!(calls.len(), 5);
    for (job, after) in [(1, "aftercorr:101"), (2, "aftercorr:102"), (3, "aftercorr:103"), (4, "afterany:104")] {
        assert!(has(job, &format!("--dependency={after}")), "{:?}", calls[job]);
    }
    assert!(!calls[0].iter().any(|argument| argument.starts_with("--dependency")));
    for (job, call) in calls.iter().enumerate() {
        for argument in
            ["--requeue", "--kill-on-invalid-dep=yes", "--open-mode=append", "--parsable", "--partition=gpu,cpu", "--account=lab-1"]
        {
            assert!(has(job, argument), "{argument}: {call:?}");
        }
        for argument in ["--qos=high", "--time=1-02:00:00", "--mem=1536M", "--constraint=a100"] {
            assert!(has(job, argument), "{argument}: {call:?}");
        }
        assert_eq!(has(job, "--array=0-3%2"), job < 4, "{call:?}");
        assert_eq!(has(job, "--cpus-per-task=3"), job < 4, "{call:?}");
        assert_eq!(has(job, "--gres=gpu:1"), job < 2, "only what works on a GPU asks for one: {call:?}");
        assert_eq!(has(job, "--signal=B:TERM@120"), job == 0, "only trainings keep what they have: {call:?}");
    }
    assert!(bench.lake.join("runs").read_dir().is_err(), "nothing is done here");
}

#[test]
fn no_name_and_no_path_is_read_by_a_shell_or_by_a_pattern() {
    let slurm = Slurm::new(1001);
    let plain = Bench::with(&format!("{TINY}{SWEEP}"));
    slurm.done(&plain, "submit", &[]);
    let script = fs::read(slurm.path("script.101")).unwrap();
    assert_eq!(script, include_bytes!("../crates/cli/executor/script.sh"));

    let strange = "-x $(touch pwned) `touch pwned` ; touch pwned & \" ' %A %% * ? ~ # é";
    let mut bench = Bench::with(&format!("{TINY}{SWEEP}"));
    let folder = bench.folder().join(strange);
    fs::create_dir(&folder).unwrap();
    bench.lake = folder.join("la ke");
    let pipeline = folder.join("$(touch pwned).toml");
    fs::rename(&bench.pipeline, &pipeline).unwrap();
    bench.pipeline = pipeline;
    let comment = format!("executor.options=['''--comment={}''']", strange.replace('é', ""));
    slurm.done(&bench, "submit", &["--set", &comment]);
    let calls = slurm.asked("sbatch");
    let (calls, strange_calls) = calls.split_at(5);
    for (job, (call, strange_call)) in calls.iter().zip(strange_calls).enumerate() {
        assert_eq!(fs::read(slurm.path(&format!("script.{}", 106 + job))).unwrap(), script, "the script is the same for all");
        assert_eq!(strange_call[0], format!("--comment={}", strange.replace('é', "")), "one argument, as it was written");
        assert_eq!(call.len() + 1, strange_call.len());
        for (argument, strange_argument) in call.iter().zip(&strange_call[1..]) {
            let (of, as_is) = (|argument: &str| argument.split(['=', '/']).next().unwrap().to_owned(), bench.lake.display().to_string());
            if argument == &plain.lake.display().to_string() {
                assert_eq!(*strange_argument, as_is);
            } else if argument.starts_with("--output=") {
                let escaped = format!("--output={}/jobs/", as_is.replace('%', "%%"));
                assert!(strange_argument.starts_with(&escaped), "{strange_argument}");
                let patterns = strange_argument.replace("%%", "");
                assert_eq!(patterns.matches('%').count(), argument.matches('%').count(), "no pattern but gridlake's: {strange_argument}");
            } else if !argument.starts_with("--dependency=") && !argument.starts_with("tiny-") {
                assert_eq!(of(argument), of(strange_argument));
                assert!(!strange_argument.contains("pwned"), "{strange_argument}");
            }
        }
    }
    // What such an argument starts is what was meant.
    let done = Outcome::of(&mut slurm.task(&strange_calls[0], 2, 0));
    assert_eq!(done.code, 0, "{done:?}");
    assert!(bench.run().to_str().unwrap().contains("tiny-s3-"), "{:?}", bench.runs());
    for place in [Path::new("."), bench.folder(), &folder, &bench.lake] {
        assert!(!place.join("pwned").exists());
    }
}

#[test]
fn what_could_be_read_otherwise_is_refused() {
    let slurm = Slurm::new(1001);
    let bench = Bench::new();
    for (setting, words) in [
        ("partition=a;reboot", "executor.partition is \"a;reboot\"; allowed: Text: letters"),
        ("partition=-p", "executor.partition is \"-p\""),
        ("account=$(x)", "executor.account is"),
        ("qos=a b", "executor.qos is"),
        ("time_limit=1 hour", "allowed: Text: [days-]hours:minutes:seconds"),
        ("options=['--wrap=reboot']", "holds \"--wrap=reboot\", and --wrap is gridlake's to set"),
        ("options=['--out=/etc/passwd']", "and --output is gridlake's to set"),
        ("options=['-p x']", "not of the form --key=value"),
        ("options=[3]", "executor.options is"),
        ("logs=\"a\\\\b\"", "executor.logs is"),
        ("cpus=0", "executor.cpus is 0; allowed: Integer, 1 to 1024"),
        ("kind=pbs", "executor.kind is \"pbs\"; allowed: One of \"local\", \"slurm\""),
    ] {
        slurm.verb(&bench, "submit", &["--set", &format!("executor.{setting}")]).fails(2, &[words, "--set executor."]);
    }
    for name in ["$(reboot)", "a b", "../a", "a\nb", "a%Ab"] {
        slurm.verb(&bench, "submit", &["--set", &format!("name='''{name}'''")]).fails(2, &["name is"]);
    }
    let swept = Bench::with(&format!("{TINY}\n[sweep.grid]\n'executor.partition' = ['a', 'b']\n"));
    slurm.verb(&swept, "submit", &[]).fails(2, &["a sweep cannot set executor.partition"]);
    let mut back = Bench::new();
    back.lake = back.folder().join("back\\slash");
    slurm.verb(&back, "submit", &[]).fails(2, &["Slurm cannot write logs to", "set executor.logs"]);
    let logs = back.folder().join("logs");
    slurm.done(&back, "submit", &["--set", &format!("executor.logs={}", logs.display())]);
    assert!(logs.read_dir().unwrap().count() == 1, "a folder for the submission");
}

#[test]
fn without_slurm_one_error_says_what_to_do() {
    let (bench, slurm) = (Bench::new(), Slurm::new(1001));
    for name in ["sbatch", "scontrol", "squeue"] {
        fs::remove_file(slurm.path(name)).unwrap();
    }
    let mut command = slurm.with(bench.command("run"));
    command.env("PATH", slurm.folder.path()).args(["--executor", "slurm"]);
    Outcome::of(&mut command).fails(2, &["there is no scontrol on this machine", "--executor local"]);
    assert!(!bench.lake.exists(), "nothing is begun");
    let plan = Outcome::of(slurm.with(bench.command("plan")).env("PATH", slurm.folder.path()).args(["--executor", "slurm"]));
    assert!(plan.code == 0 && plan.stdout.contains("to submit:"), "a plan needs no cluster: {plan:?}");
}

#[test]
fn a_plan_shows_the_arrays_and_changes_nothing() {
    let (bench, slurm) = (Bench::with(&format!("{TINY}{SWEEP}")), Slurm::new(3));
    bench.done("train", &["--only", "tiny-s2-*"]);
    let before = snapshot(bench.folder());
    let plan = slurm.done(&bench, "plan", &["--executor", "slurm"]);
    assert!(snapshot(bench.folder()) == before && slurm.asked("sbatch").is_empty(), "a plan changes nothing");
    let arrays: Vec<Vec<&str>> =
        plan.stdout.split("to submit:\n").nth(1).unwrap().lines().map(|line| line.split_whitespace().collect()).collect();
    let expected = ["job stage tasks after", "(1) train 3", "(2) record 3 (1)", "(3) analyze 3 (2)", "(4) draw 3 (3)"];
    assert_eq!(arrays[..5].iter().map(|cells| cells.join(" ")).collect::<Vec<_>>(), expected);
    let expected = ["(5) record 1", "(6) analyze 1 (5)", "(7) draw 1 (6)", "(8) index 1 (4) (7)"];
    assert_eq!(arrays[5..].iter().map(|cells| cells.join(" ")).collect::<Vec<_>>(), expected, "the trained run waits for nobody");
}

#[test]
fn tasks_do_what_a_local_run_does_from_the_settings_of_the_submission() {
    // With the checkpoints before the last, which the same tasks record and analyze.
    let tiny = format!("{}\n[development]\nevery = 1\n", TINY.replace("every = 20", "every = 20\nkeep = 0"));
    let (bench, slurm) = (Bench::with(&format!("{tiny}{SWEEP}")), Slurm::new(1001));
    slurm.done(&bench, "submit", &["--seed", "7", "--set", "train.loss.lambda_cap=0.25"]);
    fs::write(&bench.pipeline, "name = 'another'\n[train]\nsteps = 7\n").unwrap();
    for call in slurm.asked("sbatch") {
        let done = Outcome::of(&mut slurm.task(&call, 0, 0));
        assert_eq!(done.code, 0, "{call:?}: {done:?}");
    }
    let local = Bench::with(&tiny.replace("lambda_cap = 0.0", "lambda_cap = 0.25"));
    local.done("run", &["--seed", "7"]);
    let tables = |bench: &Bench| -> Vec<_> { bench.tables().into_iter().filter(|(path, _)| !path.starts_with("tables/metrics")).collect() };
    let steps = |step: &str| tables(&bench).iter().filter(|(path, _)| path.to_string_lossy().contains(step)).count();
    assert!(steps("step=60") >= 5 && steps("step=20") >= 5 && tables(&bench) == tables(&local), "the tables of a local run");
    assert!(bench.final_checkpoint() == local.final_checkpoint());
    let again = slurm.verb(&local, "submit", &["--seed", "7"]);
    assert!(again.stdout.contains("nothing to submit: everything is there already"), "keys of [executor] make nothing stale: {again:?}");
}

#[test]
fn a_submission_leads_no_task_out_of_its_folder() {
    let (bench, slurm) = (Bench::new(), Slurm::new(1001));
    slurm.done(&bench, "submit", &[]);
    let call = &slurm.asked("sbatch")[0];
    let strange = |submission: &str, job: &str, task: usize| {
        let mut call = call.clone();
        let place = call.len() - 2;
        (call[place], call[place + 1]) = (submission.to_owned(), job.to_owned());
        Outcome::of(&mut slurm.task(&call, task, 0))
    };
    let folder = submission(&bench);
    let name = folder.file_name().unwrap().to_str().unwrap();
    strange("../../x", "0", 0).fails(3, &["there is no"]);
    strange(&format!("../jobs/{name}"), "0", 0).fails(3, &["there is no"]);
    strange(name, "99", 0).fails(2, &["has no job 99"]);
    strange(name, "0", 1).fails(2, &["has no task 1"]);
    let path = folder.join("submission.json");
    let text = fs::read_to_string(&path).unwrap();
    let run = text.split("\"tiny-s0-").nth(1).unwrap().split('"').next().unwrap();
    fs::write(&path, text.replace(&format!("\"tiny-s0-{run}\""), "\"../../../x\"")).unwrap();
    strange(name, "0", 0).fails(3, &["is no submission"]);
    fs::write(&path, &text[..40]).unwrap();
    strange(name, "0", 0).fails(3, &["is no submission"]);
    fs::write(&path, text.replace("\"format\": 1", "\"format\": 9")).unwrap();
    strange(name, "0", 0).fails(3, &["9"]);
    assert!(!bench.lake.join("runs").exists());
}

#[test]
fn what_is_in_the_queue_is_not_submitted_again() {
    let (bench, slurm) = (Bench::with(&format!("{TINY}{SWEEP}")), Slurm::new(1001));
    slurm.done(&bench, "submit", &["--only", "tiny-s[12]-*"]);
    assert_eq!(slurm.asked("sbatch").len(), 5);
    slurm.says("queue", "101|0|RUNNING|n1|None\n101|1|PENDING||Resources\n102|0|PENDING||Dependency\n99|0|RUNNING|n2|None\n");
    let second = slurm.done(&bench, "submit", &[]);
    assert!(second.stdout.contains("5 jobs of 2 runs submitted"), "{second:?}");
    assert!(second.stderr.contains("in the queue already (job 10"), "{second:?}");
    slurm.says("queue", "101|0|RUNNING|n1|None\n101|1|RUNNING|n2|None\n106|0|PENDING||Resources\n106|1|PENDING||Resources\n");
    assert!(slurm.done(&bench, "submit", &[]).stdout.contains("nothing to submit: all runs are in the queue already"));
    assert_eq!(slurm.asked("sbatch").len(), 10);
    let plan = slurm.done(&bench, "plan", &["--executor", "slurm"]);
    assert!(plan.stdout.contains("nothing to submit\n4 runs in the queue already"), "{plan:?}");
    // Slurm that does not answer is no reason to submit twice.
    slurm.play("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1");
    slurm.verb(&bench, "submit", &[]).fails(1, &["cannot tell what is queued already", "Unable to contact"]);
    // What has left the queue long ago is unknown to it.
    slurm.play("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1");
    slurm.done(&bench, "submit", &[]);
}

#[test]
fn a_job_that_is_refused_takes_back_those_before() {
    let (bench, slurm) = (Bench::new(), Slurm::new(1001));
    slurm.says("refused", "103");
    slurm.verb(&bench, "submit", &[]).fails(1, &["sbatch failed: invalid partition specified: x"]);
    assert_eq!(slurm.asked("scancel"), [["101", "102"]]);
    let status = slurm.about(&bench, "status", &[]);
    assert_eq!((status.code, status.stdout.lines().count()), (0, 1), "nothing is known of it: {status:?}");
    slurm.done(&bench, "submit", &[]);
}

#[test]
fn status_tells_where_tasks_are_and_which_log_a_failure_has() {
    let bad = "\n[sweep.variants.bad]\ntrain.optimizer.learning_rate = 10.0\ntrain.optimizer.weight_decay = 10.0\n[sweep.variants.good]\ntrain.loss.lambda_cap = 0.1\n[sweep.variants.lost]\ntrain.loss.lambda_cap = 0.2\n";
    let (bench, slurm) = (Bench::with(&format!("{TINY}{bad}")), Slurm::new(1001));
    slurm.done(&bench, "submit", &[]);
    slurm.says("queue", "101|0|PENDING||Resources\n101|1|RUNNING|n3|None\n101|2|CONFIGURING|n4|None\n");
    let row = |status: &Outcome, run: &str| -> Vec<String> {
        let line = status.stdout.lines().find(|line| line.starts_with(run) && !line.contains(": "));
        line.unwrap_or_default().split_whitespace().skip(1).map(str::to_owned).collect()
    };
    let status = slurm.about(&bench, "status", &[]);
    assert_eq!(row(&status, "tiny-bad-"), ["queued", "–", "–", "–"], "{status:?}");
    assert_eq!(row(&status, "tiny-good-")[..2], ["on", "n3"]);
    assert_eq!(row(&status, "tiny-lost-")[0], "configuring");

    let call = slurm.asked("sbatch")[0].clone();
    Outcome::of(&mut slurm.task(&call, 0, 0)).fails(1, &["is not finite"]);
    assert_eq!(Outcome::of(&mut slurm.task(&call, 1, 0)).code, 0);
    slurm.says("queue", "");
    let status = slurm.about(&bench, "status", &[]);
    let log = |job: &str| submission(&bench).join(job).display().to_string();
    let line = |run: &str| status.stdout.lines().find(|line| line.starts_with(run) && line.contains(": ")).unwrap_or_default().to_owned();
    assert!(line("tiny-bad-").contains("train failed: ") && line("tiny-bad-").contains(&log("train-101_0.log")), "{status:?}");
    assert!(
        line("tiny-lost-").contains("train is not done and no longer in the queue: task 101_2 ended without a word, without a log"),
        "{status:?}"
    );
    assert!(line("tiny-good-").contains("record is not done and no longer in the queue: task 102_1"), "{status:?}");

    fs::remove_file(slurm.path("squeue")).unwrap();
    let mut command = gridlake();
    command.arg("status").arg(&bench.lake);
    let status = Outcome::of(slurm.with(command).env("PATH", slurm.folder.path()));
    assert_eq!(status.code, 0, "{status:?}");
    assert!(status.stderr.contains("is not known: there is no squeue"), "{status:?}");
    assert_eq!(row(&status, "tiny-good-")[..2], ["done", "60/60"]);
    // Where nothing was submitted, nothing is asked.
    let other = Bench::new();
    other.done("train", &[]);
    let mut command = gridlake();
    command.arg("status").arg(&other.lake);
    let status = Outcome::of(slurm.with(command).env("PATH", slurm.folder.path()));
    assert_eq!((status.code, status.stderr.as_str()), (0, ""));
}

#[test]
fn cancel_takes_what_is_in_the_queue() {
    let (bench, slurm) = (Bench::with(&format!("{TINY}{SWEEP}")), Slurm::new(1001));
    slurm.done(&bench, "submit", &[]);
    slurm.says(
        "queue",
        "101|1|RUNNING|n1|None\n102|1|PENDING||Dependency\n102|3|PENDING||Dependency\n105|N/A|PENDING||Dependency\n104|0|CANCELLED||None\n",
    );
    let some = slurm.about(&bench, "cancel", &["--only", "tiny-s2-*"]);
    assert_eq!((some.code, some.stdout.as_str()), (0, "cancelled 2 tasks of 1 run\n"), "{some:?}");
    let all = slurm.about(&bench, "cancel", &[]);
    assert_eq!((all.code, all.stdout.as_str()), (0, "cancelled 3 tasks of 2 runs\n"), "{all:?}");
    assert_eq!(slurm.asked("scancel"), [vec!["101_1", "102_1"], vec!["101", "102", "105"]]);
    slurm.says("queue", "");
    let status = slurm.about(&bench, "status", &[]).stdout;
    let told = |run: &str, task: &str| status.lines().any(|line| line.starts_with(run) && line.contains(task));
    assert!(told("tiny-s1-", "train is not done and no longer in the queue: task 101_0 ended without a word"), "{status}");
    assert!(!told("tiny-s2-", "task 101_1") && !told("tiny-s2-", "task 102_1"), "what was cancelled has not ended by itself: {status}");
    assert_eq!(slurm.about(&bench, "cancel", &[]).stdout, "cancelled 0 tasks of 0 runs\n");
    assert_eq!(slurm.asked("scancel").len(), 2, "with nothing in the queue nothing is asked for");
}

/// A training of some seconds, of which a task is begun and has a checkpoint.
fn begun(slurm: &Slurm) -> (Bench, Vec<String>, std::process::Child) {
    let bench = Bench::with(&TINY.replace("steps = 60\n", "steps = 1000000\n").replace("every = 20", "every = 500"));
    slurm.done(&bench, "submit", &[]);
    let call = slurm.asked("sbatch")[0].clone();
    let mut child = slurm.task(&call, 0, 0).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&mut child, || bench.lake.join("runs").exists() && !bench.runs().is_empty() && !bench.checkpoints().is_empty());
    (bench, call, child)
}

#[test]
fn a_training_that_is_asked_to_stop_while_it_runs_queues_itself_again() {
    for (state, again) in [("RUNNING\n", true), ("COMPLETING\n", false), ("", false)] {
        let slurm = Slurm::new(1001);
        slurm.says("state", state);
        let (_bench, _, child) = begun(&slurm);
        signal(&child, "-TERM");
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(130), "{said}");
        let requeued: Vec<_> = slurm.asked("scontrol").into_iter().filter(|call| call[0] == "requeue").collect();
        if again {
            assert_eq!(requeued, [["requeue", "101_0"]]);
            assert!(said.contains("task 101_0 is in the queue again"), "{said}");
        } else {
            assert!(requeued.is_empty(), "what was cancelled or preempted is Slurm's to begin again: {requeued:?}");
        }
    }
}

#[test]
fn a_task_waits_for_the_one_that_is_still_ending_and_goes_on_from_its_checkpoint() {
    let slurm = Slurm::new(1001);
    let (bench, call, mut first) = begun(&slurm);
    let mut second = slurm.task(&call, 0, 1).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    sleep(Duration::from_secs(3));
    assert!(second.try_wait().unwrap().is_none(), "it waits");
    first.kill().unwrap();
    first.wait().unwrap();
    let reached = bench.checkpoints().pop().unwrap();
    wait_for(&mut second, || bench.checkpoints().pop().unwrap() > reached);
    signal(&second, "-TERM");
    let said = String::from_utf8(second.wait_with_output().unwrap().stderr).unwrap();
    for words in ["begun again (1)", "another process is working on it", "goes on from step "] {
        assert!(said.contains(words), "{words:?} is not in: {said}");
    }
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u64>().unwrap();
    let kept = number(reached.file_stem().unwrap().to_str().unwrap().trim_start_matches("step-"));
    let from = number(said.split("goes on from step ").nth(1).unwrap());
    assert!(kept > 0 && from >= kept, "{from} is before {kept}: {said}");
}

#[test]
fn a_lake_in_a_bucket_needs_no_shared_folder_but_for_logs() {
    let (bench, slurm, server) = (Bench::new(), Slurm::new(1001), Server::start());
    let lake = format!("s3://{BUCKET}/lake");
    let about = |arguments: &[&str]| {
        let mut command = slurm.with(gridlake());
        server.for_command(command.args(arguments).current_dir(bench.folder()));
        Outcome::of(&mut command)
    };
    let submitted = about(&["submit", bench.pipeline.to_str().unwrap(), "--lake", &lake]);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    let logs = bench.folder().join("gridlake-jobs").read_dir().unwrap().next().unwrap().unwrap().path();
    for call in slurm.asked("sbatch") {
        assert!(call.iter().any(|argument| argument.starts_with(&format!("--output={}/", logs.display()))), "{call:?}");
        let mut task = slurm.task(&call, 0, 0);
        server.for_command(task.current_dir("/"));
        let done = Outcome::of(&mut task);
        assert_eq!(done.code, 0, "{call:?}: {done:?}");
    }
    let status = about(&["status", &lake]);
    assert_eq!(status.stdout.lines().filter(|line| line.ends_with("done     done")).count(), 1, "{status:?}");
    assert_eq!(about(&["verify", &lake]).code, 0);
    assert!(about(&["submit", bench.pipeline.to_str().unwrap(), "--lake", &lake]).stdout.contains("everything is there already"));
}
