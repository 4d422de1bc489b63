//! Builds the emulated GPU: a `libcuda.so.1` that contains the kernels, compiled for the host (see `crates/model/emulator/README.md`).

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::Mutex;

const FLAGS: [&str; 9] = [
    "-std=c++17",
    "-O2",
    "-g0",
    "-fPIC",
    "-shared",
    "-pthread",
    "-fvisibility=hidden",
    // A device fuses products and sums where the source says so; a host must not where it does not.
    "-ffp-contract=off",
    "-fno-strict-aliasing",
];

/// One build at a time.
static BUILDS: Mutex<()> = Mutex::new(());

/// The folder to put into `LD_LIBRARY_PATH`, with the kernels of the model; built if it is not there yet.
///
/// # Errors
/// Why it cannot be built, where there is no C++ compiler, no source, or no Linux.
///
/// # Panics
/// If the kernels do not compile: they are wrong then.
pub(crate) fn library_folder() -> Result<PathBuf, String> {
    library_folder_of(&model_folder().join("src/cuda/kernels.cu"))
}

/// As [`library_folder`], with the kernels of another file.
pub(crate) fn library_folder_of(kernels: &Path) -> Result<PathBuf, String> {
    if !cfg!(target_os = "linux") {
        return Err("the emulated GPU needs Linux".to_string());
    }
    if !kernels.exists() {
        return Err(format!("the kernels' sources are not here ({})", kernels.display()));
    }
    let _one_at_a_time = BUILDS.lock();
    let compiler = compiler()?;
    let emulator = emulator_folder();
    let mut sources = files_below(&emulator, &["h", "cpp", "cu", "cuh"]);
    sources.extend(files_below(&model_folder().join("src"), &["cu", "cuh"]));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("emulator-{:016x}", fingerprint(&compiler, kernels, &sources)));
    if folder.exists() {
        return Ok(folder);
    }
    let aside = folder.with_extension(process::id().to_string());
    fs::create_dir_all(&aside).unwrap_or_else(|error| panic!("cannot make {}: {error}", aside.display()));
    let mut command = compiler.command();
    command.args(FLAGS).arg("-Wl,-soname,libcuda.so.1");
    command.arg(format!("-DGRIDLAKE_KERNELS=\"{}\"", kernels.display()));
    command.args(files_in(&emulator, &["cpp"])).arg("-o").arg(aside.join("libcuda.so.1"));
    run(&mut command);
    // Programs that look for the driver may ask for it by this name first, and would find a real one.
    fs::hard_link(aside.join("libcuda.so.1"), aside.join("libcuda.so")).unwrap_or_else(|error| panic!("cannot link the library: {error}"));
    if fs::rename(&aside, &folder).is_err() {
        // Another process was faster.
        let _ = fs::remove_dir_all(&aside);
        assert!(folder.exists(), "cannot make {}", folder.display());
    }
    Ok(folder)
}

/// `crates/model/emulator`.
pub(crate) fn emulator_folder() -> PathBuf {
    model_folder().join("emulator")
}

/// A C++ compiler, as it is called.
pub(crate) struct Compiler {
    words: Vec<OsString>,
}

impl Compiler {
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command
    }

    fn works(&self) -> bool {
        !self.words.is_empty() && self.command().arg("--version").output().is_ok_and(|output| output.status.success())
    }
}

/// `$CXX` if it is set, or else one of the usual names.
///
/// # Errors
/// What was looked for, if there is none.
pub(crate) fn compiler() -> Result<Compiler, String> {
    let of = |text: &str| Compiler { words: text.split_whitespace().map(OsString::from).collect() };
    if let Some(chosen) = env::var("CXX").ok().filter(|chosen| !chosen.trim().is_empty()) {
        let compiler = of(&chosen);
        return if compiler.works() { Ok(compiler) } else { Err(format!("CXX is {chosen:?}, which does not run")) };
    }
    let names = ["c++", "g++", "clang++"];
    names.map(of).into_iter().find(Compiler::works).ok_or_else(|| format!("no C++ compiler: none of {} runs", names.join(", ")))
}

/// Runs a compiler.
///
/// # Panics
/// With all that it said, if it fails.
pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// `crates/model`, from tests of that package as well as of the workspace's root.
fn model_folder() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    if package.join("emulator").is_dir() { package.to_path_buf() } else { package.join("crates/model") }
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|extension| extensions.contains(&extension))
}

/// Files directly in a folder, sorted.
fn files_in(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = entries(folder);
    found.retain(|path| path.is_file() && has_extension(path, extensions));
    found
}

/// Files in a folder and the folders within it, sorted.
fn files_below(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = files_in(folder, extensions);
    for within in entries(folder).into_iter().filter(|path| path.is_dir()) {
        found.extend(files_below(&within, extensions));
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<PathBuf> = listing.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    found.sort();
    found
}

fn fingerprint(compiler: &Compiler, kernels: &Path, sources: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&compiler.words, FLAGS, kernels).hash(&mut hasher);
    for path in sources {
        path.hash(&mut hasher);
        fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).hash(&mut hasher);
    }
    hasher.finish()
}
