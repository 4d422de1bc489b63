//! The emulated GPU: it runs kernels as a device would, and finds those that are wrong.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it skips")]

#[path = "support/emulator.rs"]
mod emulator;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

const ORDERS: [&str; 3] = ["forward", "reverse", "shuffle"];

/// The program that drives the kernels of `selftest/`; `None`, said once, where there is no compiler.
fn selftest() -> Option<&'static PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM
        .get_or_init(|| {
            let sources = emulator::emulator_folder().join("selftest");
            let folder = match emulator::library_folder_of(&sources.join("kernels.cu")) {
                Ok(folder) => folder,
                Err(reason) => {
                    eprintln!("skipped: {reason}");
                    return None;
                }
            };
            let program = folder.join("selftest");
            if !program.exists() {
                let aside = folder.join(format!("selftest.{}", std::process::id()));
                let mut command = emulator::compiler().unwrap().command();
                command.args(["-std=c++17", "-O1"]).arg(sources.join("main.cpp")).arg("-o").arg(&aside);
                command.arg(folder.join("libcuda.so.1")).arg(format!("-Wl,-rpath,{}", folder.display()));
                emulator::run(&mut command);
                std::fs::rename(&aside, &program).unwrap();
            }
            Some(program)
        })
        .as_ref()
}

/// Runs a case of the program, which must pass; what it printed to stdout and stderr. `None` where it could not be built.
fn pass(case: &str, settings: &[(&str, &str)]) -> Option<(String, String)> {
    let output = Command::new(selftest()?).arg(case).envs(settings.iter().copied()).output().unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success() && stdout.ends_with(&format!("PASS {case}\n")), "{stdout}{stderr}");
    Some((stdout, stderr))
}

fn pass_in_every_order(case: &str) -> Vec<(String, String)> {
    ORDERS.iter().filter_map(|order| pass(case, &[("GRIDLAKE_EMULATED_ORDER", order)])).collect()
}

#[test]
fn kernels_give_the_same_in_every_order() {
    for case in ["device", "sums", "dynamic-memory", "copies", "products", "counts", "graphs", "memory", "launches"] {
        let outputs = pass_in_every_order(case);
        assert!(outputs.iter().all(|output| output.0 == outputs[0].0), "{outputs:?}");
    }
}

#[test]
fn a_missing_barrier_shows_as_a_difference_between_orders() {
    for case in ["race", "race-of-blocks", "race-of-nodes"] {
        let outputs = pass_in_every_order(case);
        assert!(outputs.is_empty() || outputs.iter().any(|output| output.0 != outputs[0].0), "{case}: {outputs:?}");
    }
}

#[test]
fn a_wrong_kernel_fails_with_a_message() {
    let expected = [
        ("write-past", "kernel write_past, block (0, 0, 0), thread 20: touched address", "0 bytes past the allocation of 80 bytes"),
        ("share-past", "thread 31: touched address", "0 bytes past the block's 496 bytes of dynamic shared memory"),
        ("wait-by-half", "threads wait at different barriers", "threads 32-63 wait at __syncthreads, kernels.cu"),
        ("shuffle-by-half", "threads wait for each other for ever", "31 wait at __syncthreads, kernels.cu"),
        ("shuffle-or-vote", "lanes of a warp meet at __shfl_sync of mask 0xffffffff", "__ballot_sync"),
        ("copy-unaligned", "copy_async_16 from", "not a multiple of 16"),
        ("overflow-stack", "overflowed its stack", ""),
    ];
    for (case, what, more) in expected {
        for (_, stderr) in pass_in_every_order(case) {
            assert!(stderr.contains(what) && stderr.contains(more), "{case}: {stderr}");
        }
    }
}

#[test]
fn faults_of_the_machine_are_emulated() {
    pass("no-device", &[("GRIDLAKE_EMULATED_FAULT", "no-device")]);
    pass("no-device", &[("GRIDLAKE_EMULATED_DEVICES", "0")]);
    pass("driver-mismatch", &[("GRIDLAKE_EMULATED_FAULT", "driver-mismatch")]);
    pass("old-driver", &[("GRIDLAKE_EMULATED_FAULT", "old-driver")]);
    let trace = tempfile::NamedTempFile::new().unwrap();
    let settings = [("GRIDLAKE_EMULATED_FAULT", "lost:3"), ("GRIDLAKE_EMULATED_TRACE", trace.path().to_str().unwrap())];
    if pass("lost", &settings).is_some() {
        assert_eq!(std::fs::read_to_string(trace.path()).unwrap(), "add_one 1 1 1 32 0\n".repeat(2));
    }
}

#[test]
fn kernels_of_the_model_compile_for_the_host() {
    if let Ok(folder) = emulator::library_folder() {
        assert!(folder.join("libcuda.so.1").is_file());
    }
}
