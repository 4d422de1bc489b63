//! `gridlake import`.

use crate::args::ImportArguments;
use crate::failure::Failure;
use crate::fingerprint::{self, to_json};
use crate::interrupt;
use crate::output;
use crate::pipeline::layer::Layer;
use crate::pipeline::origin::Origin;
use crate::pipeline::schema::{DEFAULTS, MAPPING, Schema};
use crate::pipeline::settings::Reader;
use crate::pipeline::{Imported, Run, Settings};
use crate::plan::{self, Stage};
use crate::progress::{Mode, Progress};
use crate::stages::geometry;
use crate::stages::import::{Box, Inputs, Written, box_of, write};
use crate::workspace::Workspace;
use gridlake_lake::import::{Format, ImportError, Mapping, Source, SpikeTrains, Survey, survey};
use gridlake_lake::manifest::digest;
use gridlake_lake::name::check_name;
use gridlake_lake::partition::Publication;
use gridlake_lake::{Lake, LakeError};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Brings files into the lake as a run, or says that they are there.
///
/// # Errors
/// Bad arguments, a mapping that does not fit, files that cannot be used, an interrupt; then the lake is as it was.
pub(crate) fn import(arguments: &ImportArguments, mode: Mode) -> Result<(), Failure> {
    if arguments.help_mapping {
        return output::print(MAPPING);
    }
    let started = Instant::now();
    let name = arguments.name.as_deref().unwrap_or_default();
    check_name(name).map_err(|message| Failure::config(format!("--as {message}")))?;
    if arguments.spikes.is_some() && arguments.files.len() > 1 {
        return Err(Failure::config(format!("--spikes: {} FILEs were given; allowed: one, the tracked path", arguments.files.len())));
    }
    let (mapping, layer) = mapping(arguments)?;
    let explain = |error: ImportError| explain(error, &layer);
    mapping.check().map_err(explain)?;
    for path in arguments.files.iter().chain(&arguments.spikes) {
        readable(path)?;
    }
    let files = arguments.files.iter().map(|path| Summed::of(path)).collect::<Result<Vec<Summed>, Failure>>()?;
    let spikes = arguments.spikes.as_deref().map(Summed::of).transpose()?;
    let checksums: Vec<String> = files.iter().map(|file| file.sha256.clone()).collect();
    let fingerprint = fingerprint::import(&checksums, spikes.as_ref().map(|file| file.sha256.as_str()), &mapping)?;
    let config = json!({
        "files": files.iter().map(Summed::json).collect::<Vec<Value>>(), "spikes": spikes.as_ref().map(Summed::json), "mapping": to_json(&mapping)?,
    });
    let imported = Imported { name: name.to_owned(), config, units: 0, arenas: 0 };
    let run_name = fingerprint::run_name(name, None, 0, &fingerprint);
    let run = Run::of_import(run_name, settings(name, &arguments.lake)?, fingerprint, imported)?;
    if !arguments.force && is_there(&run)? {
        tracing::info!("{}: everything is there already", run.name);
        return output::print(&next(&run, arguments));
    }
    let sources: Vec<Source> = arguments
        .files
        .iter()
        .map(|path| Source::open(path, &mapping, arguments.spikes.is_none()).map_err(explain))
        .collect::<Result<_, _>>()?;
    let trains = arguments.spikes.as_deref().map(|path| SpikeTrains::read(path, &mapping).map_err(explain)).transpose()?;
    let surveyed = look(&sources, &mapping, &run.name, mode, &explain)?;
    let boxes: Vec<Box> = surveyed
        .arenas
        .iter()
        .map(|arena| box_of(arena, &sources[arena.files.first().copied().unwrap_or(0)], &mapping))
        .collect::<Result<_, _>>()?;

    let new = matches!(Lake::open(&run.settings.lake), Err(LakeError::NotALake { .. }));
    let lake = Lake::create(&run.settings.lake)?;
    let mut workspace = Workspace::open(&lake, &run, mode)?;
    let inputs = Inputs { sources: &sources, mapping: &mapping, spikes: trains.as_ref(), survey: &surveyed };
    let outcome = fill(&workspace, &inputs, &boxes, &explain);
    if outcome.is_err() {
        workspace.forget_new();
        if new {
            // What cannot be removed now is an empty lake.
            let _ = lake.forget_new();
        }
    }
    let written = outcome?;
    let notes = notes(&sources, &surveyed, &written);
    workspace.keep(Stage::Record, started, notes)?;
    output::print(&(report(&run, &surveyed, &written) + &next(&run, arguments)))
}

/// The mapping with where its keys were written.
fn mapping(arguments: &ImportArguments) -> Result<(Mapping, Layer), Failure> {
    let schema = Schema::mapping()?;
    let mut over = Layer::default();
    if let Some(path) = &arguments.mapping {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::config(format!("cannot read the mapping {}: {error}", path.display()))
                .hint("give the path of a TOML file; `gridlake import --help-mapping` prints every key")
        })?;
        let path: Arc<Path> = Arc::from(path.as_path());
        over = Layer::parse(&text, |line| Origin::File { path: Arc::clone(&path), line })?;
    }
    for set in &arguments.set {
        over.overlay(&Layer::from_set(set)?);
    }
    schema.check(&over)?;
    let mut layer = Layer::parse(MAPPING, |_| Origin::Defaults)?;
    layer.overlay(&over);
    let reader = Reader { layer: &layer, schema: &schema };
    let mapping = Mapping {
        position: reader.section("position")?,
        time: reader.section("time")?,
        trajectory: reader.section("trajectory")?,
        velocity: reader.section("velocity")?,
        arena: reader.section("arena")?,
        units: reader.section("units")?,
        spikes: reader.section("spikes")?,
        occupancy: reader.section("occupancy")?,
        csv: reader.section("csv")?,
    };
    Ok((mapping, layer))
}

/// What the user sees of an error of the readers.
fn explain(error: ImportError, layer: &Layer) -> Failure {
    match error {
        ImportError::Mapping { key, message } if key == "FILE" => Failure::config(message),
        ImportError::Mapping { key, message } => {
            let origin = match layer.origin(&key) {
                Origin::Defaults => String::new(),
                written => format!("{written}: "),
            };
            Failure::config(format!("{origin}{key} {message}")).hint(format!(
                "set it with --set {key}=…, or in a file with --mapping; `gridlake import --help-mapping` explains every key"
            ))
        }
        ImportError::Data { .. } => Failure::data(error),
        ImportError::Io { .. } => Failure::work(error),
    }
}

/// Refuses what is no file of a known format before anything is read.
fn readable(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let found = std::fs::metadata(path).map_err(|error| {
        let failure = if error.kind() == std::io::ErrorKind::NotFound { Failure::config } else { Failure::work };
        failure(format!("{shown}: {error}"))
    })?;
    if !found.is_file() {
        return Err(Failure::config(format!("{shown} is no file")).hint("name each file of a folder, such as folder/*.parquet"));
    }
    if Format::of(path).is_none() {
        return Err(Failure::config(format!("{shown} has no known ending; allowed: .parquet, .pq, .npz, .csv, .tsv, .txt")));
    }
    Ok(())
}

/// A file with its checksum.
struct Summed {
    path: PathBuf,
    bytes: u64,
    sha256: String,
}

impl Summed {
    fn of(path: &Path) -> Result<Self, Failure> {
        let refuse = |error: std::io::Error| Failure::work(format!("{}: {error}", path.display()));
        let (bytes, sha256) = std::fs::File::open(path).and_then(|mut file| digest(&mut file)).map_err(refuse)?;
        interrupt::check("import")?;
        Ok(Self { path: path.to_owned(), bytes, sha256 })
    }

    /// The file's name without its folders, which may be private.
    fn json(&self) -> Value {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned());
        json!({ "name": name, "bytes": self.bytes, "sha256": self.sha256 })
    }
}

/// The defaults with the import's name and lake.
fn settings(name: &str, lake: &str) -> Result<Settings, Failure> {
    let mut layer = Layer::parse(DEFAULTS, |_| Origin::Defaults)?;
    let flag = |text: &str| Origin::Flag(text.into());
    layer.overlay(&Layer::single("name", toml::Value::String(name.to_owned()), &flag("--as")));
    layer.overlay(&Layer::single("lake", toml::Value::String(lake.to_owned()), &flag("--lake")));
    Settings::new(&layer, &Schema::embedded()?)
}

/// Whether the run is in the lake, whole.
fn is_there(run: &Run) -> Result<bool, Failure> {
    let lake = match Lake::open(&run.settings.lake) {
        Err(LakeError::NotALake { .. }) => return Ok(false),
        lake => lake?,
    };
    Ok(plan::assess(Some(&lake), run)?.iter().any(|verdict| verdict.stage == Stage::Record && verdict.stale.is_none()))
}

/// Checks all positions, and finds the arenas.
fn look(sources: &[Source], mapping: &Mapping, run: &str, mode: Mode, explain: &dyn Fn(ImportError) -> Failure) -> Result<Survey, Failure> {
    let mut progress = Progress::start(mode, &format!("{run}: positions"), "moments", 0, 0);
    let mut seen = 0;
    let found = survey(sources, mapping, |moments| {
        seen += moments as u64;
        progress.update(seen, String::new);
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    found.map_err(explain)?.ok_or_else(|| interrupt::stopped("import"))
}

/// Writes and publishes the tables.
fn fill(
    workspace: &Workspace<'_>,
    inputs: &Inputs<'_>,
    boxes: &[Box],
    explain: &dyn Fn(ImportError) -> Failure,
) -> Result<Written, Failure> {
    let total = inputs.survey.arenas.iter().map(|arena| arena.moments).sum();
    let mut progress = Progress::start(workspace.mode, &format!("{}: import", workspace.run.name), "moments", 0, total);
    let mut publication = Publication::begin(workspace.lake, workspace.owner(Stage::Record), Stage::Record.name(), workspace.last_step())?;
    let written = write(inputs, boxes, &mut publication, &mut progress, explain)?;
    workspace.lock.check(&workspace.run.name)?;
    publication.publish()?;
    Ok(written)
}

/// What the run's record keeps.
fn notes(sources: &[Source], survey: &Survey, written: &Written) -> Value {
    let files = sources.iter().zip(&survey.files).map(|(source, count)| {
        let columns: serde_json::Map<String, Value> =
            source.found().into_iter().map(|(what, names)| (what.to_owned(), shortened(&names))).collect();
        json!({ "columns": columns, "moments": count.moments, "dropped": count.dropped })
    });
    let arenas: serde_json::Map<String, Value> = written.arenas.iter().map(|arena| (arena.label.clone(), arena.notes())).collect();
    let mut notes = json!({ "files": files.collect::<Vec<Value>>(), "arenas": arenas, "units": written.units });
    if let (Some((count, skipped)), Some(notes)) = (written.spikes, notes.as_object_mut()) {
        let spikes = json!({ "counted": count.counted, "outside": count.outside, "in_gaps": count.in_gaps, "samples_alone": skipped });
        notes.insert("spikes".to_owned(), spikes);
    }
    notes
}

/// Names, or how many where they are many: the units' are listed on their own.
fn shortened(names: &[String]) -> Value {
    if names.len() > 4 { json!(format!("{} columns", names.len())) } else { json!(names) }
}

/// What came out, in a few lines.
fn report(run: &Run, survey: &Survey, written: &Written) -> String {
    let mut text = format!("{}\n  units       {}\n", run.name, written.units.len());
    for arena in &written.arenas {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  {}\n    moments   {} in {} {}\n    {:<9} {} around ({}, {}) m",
            arena.label,
            arena.moments,
            arena.trajectories,
            if arena.trajectories == 1 { "trajectory" } else { "trajectories" },
            geometry::noun(&arena.arena),
            geometry::extent(&arena.arena),
            rounded(arena.centre_m[0]),
            rounded(arena.centre_m[1])
        );
        if arena.outside > 0 {
            let share = 100.0 * arena.outside as f64 / arena.moments as f64;
            let _ = writeln!(text, "    outside   {} moments ({share:.2} %) are in no bin", arena.outside);
        }
    }
    let dropped: u64 = survey.files.iter().map(|file| file.dropped).sum();
    if dropped > 0 {
        let _ = writeln!(text, "  dropped     {dropped} moments without a position");
    }
    if let Some((count, skipped)) = written.spikes {
        let _ = writeln!(
            text,
            "  spikes      {} counted; {} outside the tracked time, {} in gaps of the tracking",
            count.counted, count.outside, count.in_gaps
        );
        if skipped > 0 {
            let _ = writeln!(text, "  samples     {skipped} that stand alone are left out");
        }
    }
    text
}

/// To a tenth of a millimetre, and without the sign of zero.
fn rounded(length_m: f64) -> f64 {
    (length_m * 1e4).round() / 1e4 + 0.0
}

/// The command to go on with.
fn next(run: &Run, arguments: &ImportArguments) -> String {
    let lake = if arguments.lake == "data/lake" { String::new() } else { format!(" --lake {}", quoted(&arguments.lake)) };
    format!("next: gridlake run pipelines/imported.toml --set import.run={}{lake}\n", run.name)
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:=+@%,".contains(c));
    if plain && !word.is_empty() { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
