//! Everything that runs on a GPU, against the CPU and the reference. Each test runs on every device present: `gpu::…` on the first real GPU (ignored where there is none),
//! `emulated::…` in a child process on the emulated one (ignored where there is no C++ compiler).
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test harness reports")]

#[path = "gpu/bodies.rs"]
mod bodies;

#[path = "support/emulator.rs"]
mod emulator;
#[path = "support/golden.rs"]
mod golden;
#[path = "support/small.rs"]
mod small;

use bodies::{ALL, Body};
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::{Command, ExitCode, Stdio};

/// Set in the child process, to how the emulated device is set up there.
const CHILD: &str = "GRIDLAKE_TEST_EMULATED";

/// Set-ups of the emulated device: a name, and variables of the emulator. Small shared memory makes small tiles, few multiprocessors large groups.
const SETUPS: [(&str, &[(&str, &str)]); 3] = [
    ("emulated", &[]),
    ("emulated-reverse", &[("GRIDLAKE_EMULATED_ORDER", "reverse"), ("GRIDLAKE_EMULATED_CAPABILITY", "8.6")]),
    ("emulated-shuffle", &[("GRIDLAKE_EMULATED_ORDER", "shuffle"), ("GRIDLAKE_EMULATED_MULTIPROCESSORS", "1")]),
];

fn trials(prefix: &str, why_not: Option<&str>, bodies: &[(&'static str, Body)]) -> Vec<Trial> {
    bodies
        .iter()
        .map(|(name, body)| {
            let body = *body;
            let trial = Trial::test(format!("{prefix}::{name}"), move || -> Result<(), Failed> {
                body();
                Ok(())
            });
            // The paper's size takes minutes in the emulator.
            let slow = name.ends_with("at_the_papers_size") && prefix != "gpu";
            trial.with_ignored_flag(why_not.is_some() || slow)
        })
        .collect()
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Ok(setup) = std::env::var(CHILD) {
        return libtest_mimic::run(&arguments, trials(&setup, None, ALL)).exit_code();
    }
    let folder = emulator::library_folder();
    let no_gpu =
        gridlake_model::engine::gpu_engine("cuda", gridlake_model::config::Activation::Relu, gridlake_model::config::Precision::F32)
            .err()
            .map(|error| error.to_string());
    let mut own = trials("gpu", no_gpu.as_deref(), ALL);
    if let Some(why) = &no_gpu {
        eprintln!("gpu::… are ignored: {why}");
    }
    if let Err(why) = &folder {
        eprintln!("emulated::… are ignored: {why}");
        own.extend(SETUPS.iter().flat_map(|(name, _)| trials(name, Some(why), ALL)));
    }
    let mut passed = !libtest_mimic::run(&arguments, own).has_failed();
    if let Ok(folder) = folder {
        // Side by side, and their reports one after the other.
        let children = SETUPS.map(|(name, variables)| {
            let mut child = Command::new(std::env::current_exe().expect("this program"));
            child.args(std::env::args_os().skip(1)).env("LD_LIBRARY_PATH", &folder).env(CHILD, name).envs(variables.iter().copied());
            child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("this program starts")
        });
        for child in children {
            let output = child.wait_with_output().expect("this program ends");
            print!("{}", String::from_utf8_lossy(&output.stdout));
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            passed &= output.status.success();
        }
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::from(101) }
}
