//! What figures say in numbers is what the tables hold.
//!
//! Every figure of three lakes is read as text. Each kind of figure has its claims here, recomputed from the tables by way of `gridlake sql`; all of them must be in it, and every number that
//! stands beside a word must be in one of them. A figure of no known kind fails.

mod lattices;
mod run;
mod states;
mod training;
mod walks;
mod words;

use crate::common::{Bench, Outcome, TINY, gridlake, sample_lake};
use lattices::turn_deg;
use run::Run;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use words::{place, text, units};

/// Numbers that are part of a name or of the drawing, the same whatever was found.
const FIXED: [&str; 22] = [
    "90° score",
    "95 %",
    "99 %",
    "Turned by 60°",
    "Turned by 120°",
    "Phases 1, 2",
    "Phases 2, 3",
    "Phases 3, 1",
    "5 % of the states lie within",
    "Loss (1/m²)",
    "L2 norm",
    "(weight 0)",
    "Weight 0: not in the total loss",
    "Marks at an edge: 0 or undefined",
    "(10",
    "The same at separation 0 in space",
    "every map from 0 to its own peak",
    "p ≤ 0.01",
    "a false-discovery rate of 5 %",
    "own 99 % null",
    "Null: chance at the level 0.01, 99 surrogates",
    "Sobolev test on the torus, 999 draws",
];

/// The texts of a figure, in the order in which they were drawn.
fn texts(path: &Path) -> Vec<String> {
    let svg = fs::read_to_string(path).unwrap();
    let text = |element: &str| {
        let words = element.split_once('>').unwrap().1.split_once("</text>").unwrap().0;
        words.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    };
    svg.split("<text ").skip(1).map(text).collect()
}

/// Holds a figure to its claims.
fn check(path: &Path, claims: &[String]) {
    let (mut all, mut owner) = (String::new(), Vec::new());
    let items = texts(path);
    for (number, item) in items.iter().enumerate() {
        // One space between texts, and for any spaces within.
        for word in item.split_whitespace() {
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(word);
            owner.resize(all.len(), number);
        }
    }
    let mut told = vec![false; all.len()];
    let mut mark = |words: &str| {
        let found: Vec<usize> = all.match_indices(words).map(|(at, _)| at).collect();
        for at in &found {
            told[*at..at + words.len()].fill(true);
        }
        !found.is_empty()
    };
    for claim in claims {
        assert!(mark(claim), "{}: does not say {claim:?}, but:\n{all}", path.display());
    }
    for fixed in FIXED {
        mark(fixed);
    }
    let is_tick = |item: &str| item.chars().all(|character| character.is_ascii_digit() || " .,−π".contains(character));
    for (at, byte) in all.bytes().enumerate() {
        let item = &items[owner[at]];
        assert!(!byte.is_ascii_digit() || told[at] || is_tick(item), "{}: no table is known for the number in {item:?}", path.display());
    }
}

impl Run {
    /// What a figure in the run's folder says; `None` of one that is not known here.
    fn claims(&self, stem: &str) -> Option<Vec<String>> {
        let whose = format!("{}{}", self.who(), self.when());
        match stem {
            "training" => return Some(self.training()),
            "development" => return Some(self.development()),
            "periods" => {
                return Some(
                    self.arenas().iter().map(|arena| place(arena)).chain([format!("Periods of {whose}")]).chain(self.periods()).collect(),
                );
            }
            "velocities" => return Some([vec![format!("Velocities of {whose}")], self.velocities(None)].concat()),
            "generalization" => return Some(self.page()),
            _ => {}
        }
        if let Some((module, kind)) = stem.strip_prefix("module-").and_then(|rest| rest.split_once('-')) {
            let module: i64 = module.parse().unwrap();
            let arena = text(&self.torus(module), "arena").to_owned();
            let title = |what: &str| vec![format!("{what} of module {module} in the {} of {whose}", place(&arena))];
            return Some(match kind {
                "states" => [title("States"), vec![self.states(module)]].concat(),
                "rings" => [title("Rings"), self.rings(module)].concat(),
                "barcodes" => [title("Persistent homology"), self.barcodes(module)].concat(),
                "torus" => [title("Units on the torus"), self.torus_maps(module)].concat(),
                "structure" => {
                    let spectrum = vec![
                        format!("Module {module}: {}", units(self.members(&arena, module).len())),
                        format!("mod {})", turn_deg(&self.module(&arena, module))),
                    ];
                    let phases = self.phases_of(&arena, module).into_iter().collect();
                    [title("Structure"), spectrum, phases, vec![self.states(module)], self.rings(module)].concat()
                }
                _ => return None,
            });
        }
        let arena = self.arenas().into_iter().find(|arena| stem.starts_with(&format!("{arena}-")))?;
        let title = |what: &str| vec![format!("{what} in the {} of {whose}", place(&arena))];
        let kind = stem.strip_prefix(&arena)?.strip_prefix('-')?;
        if let Some(module) = kind.strip_prefix("module-").and_then(|rest| rest.strip_suffix("-phases")) {
            let module = module.parse().unwrap();
            return Some([title(&format!("Phases of module {module}")), vec![self.phases_of(&arena, module)?]].concat());
        }
        Some(match kind {
            "ratemaps" => [title("Ratemaps"), self.sheet(&arena, "ratemaps")].concat(),
            "autocorrelograms" => [title("Autocorrelograms"), self.sheet(&arena, "autocorrelograms")].concat(),
            "modules" => [title("Modules"), self.module_units(&arena)].concat(),
            "module-scatter" => [title("Periods and orientations"), self.scatter(&arena)].concat(),
            "modularity" => [title("Modules and their periods"), self.module_units(&arena), self.scatter(&arena)].concat(),
            "module-spectra" => [title("Spectra of modules"), self.spectra(&arena)].concat(),
            "scores" => [title("Scores and their nulls"), self.scores(&arena)].concat(),
            "distances" => [title("Neural distance against separation"), self.half_rise(&arena), vec![self.chance(&arena)]].concat(),
            "space-time" => [title("Neural distance in space and time"), vec![self.chance(&arena)]].concat(),
            "decoding" => [vec![format!("Decoded position in the {} {whose}.", place(&arena))], self.repeats(&arena)].concat(),
            "coherence" => vec![format!("Coherence in the {} {whose}.", place(&arena))],
            "units" => {
                let what = if self.arenas().len() > 1 { "The same units" } else { "Units" };
                [title(what), vec![self.same_units(&arena)]].concat()
            }
            _ => return None,
        })
    }

    /// Holds all of the run's figures to their claims; returns their kinds.
    fn check(&self) -> BTreeSet<String> {
        let mut kinds = BTreeSet::new();
        for path in svgs(&self.lake.join("figures").join(&self.name)) {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let claims = self.claims(stem).unwrap_or_else(|| panic!("{}: a figure that has no claims here", path.display()));
            check(&path, &claims);
            let kind = self.arenas().iter().fold(stem.to_owned(), |kind, arena| kind.replace(&format!("{arena}-"), ""));
            kinds.insert(kind.replace(|character: char| character.is_ascii_digit(), "N"));
        }
        kinds
    }
}

fn svgs(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "svg")).collect();
    found.sort();
    found
}

/// Records, analyzes and draws a sample, in a lake of its own.
fn sample(name: &str, pipeline: &str, settings: &[&str]) -> (tempfile::TempDir, Run) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (folder, lake) = sample_lake(name);
    let sets = settings.iter().flat_map(|setting| ["--set", setting]);
    let outcome = Outcome::of(gridlake().arg("run").arg(root.join(pipeline)).arg("--lake").arg(&lake).args(sets));
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let run = Run::all(&lake).remove(0);
    (folder, run)
}

fn kinds(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Of any run with states.
const ALWAYS: [&str; 11] = [
    "training",
    "velocities",
    "generalization",
    "ratemaps",
    "autocorrelograms",
    "scores",
    "distances",
    "space-time",
    "decoding",
    "coherence",
    "units",
];

/// Of a run with modules.
const OF_MODULES: [&str; 9] = [
    "modules",
    "module-scatter",
    "modularity",
    "module-spectra",
    "module-N-phases",
    "module-N-states",
    "module-N-rings",
    "module-N-barcodes",
    "module-N-structure",
];

#[test]
fn of_several_modules_and_arenas() {
    let settings = [
        "record.trajectories=60",
        "record.boxes_m=[2.0, 2.5]",
        "analyze.nulls.count=19",
        "analyze.classes.alpha=0.05",
        "analyze.ratemap.bins=30",
        "analyze.embedding.points=600",
    ];
    let (_folder, run) = sample("full", "data/reference/full.toml", &settings);
    assert_eq!(run.check(), &(&kinds(&ALWAYS) | &kinds(&OF_MODULES)) | &kinds(&["periods"]));
}

#[test]
fn of_a_module_that_is_a_torus() {
    let settings = ["record.trajectories=300", "analyze.nulls.count=120", "analyze.ratemap.bins=30", "analyze.embedding.points=3000"];
    let (_folder, run) = sample("no-capacity", "pipelines/quickstart.toml", &settings);
    assert_eq!(run.check(), &(&kinds(&ALWAYS) | &kinds(&OF_MODULES)) | &kinds(&["module-N-torus"]));
}

#[test]
fn of_a_sweep_and_its_runs_over_training() {
    let more = "\n[development]\nevery = 1\n\n[sweep]\nseeds = [1, 2]\ngrid.\"train.loss.lambda_cap\" = [0.0, 0.5]\n";
    let pipeline = TINY.replace("every = 20\n", "every = 20\nkeep = 0\n");
    let bench = Bench::with(&format!("{pipeline}{more}"));
    bench.done("run", &[]);
    let mut runs = Run::all(&bench.lake);
    runs.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(runs.len(), 4);
    for run in &runs {
        assert_eq!(run.check(), &kinds(&ALWAYS) | &kinds(&["development"]));
    }
    let variants = ["lambda_cap-0.0", "lambda_cap-0.5"];
    let of = |variant: &str| runs.iter().filter(|run| run.name.starts_with(&format!("tiny-{variant}-"))).collect::<Vec<&Run>>();
    let all = |variant: &str| format!("{variant} 1 m box. {}", of(variant).iter().map(|run| run.note()).collect::<Vec<String>>().join(" "));
    let first = |variant: &str| format!("{variant} 1 m box. {}", of(variant)[0].note());
    let size = "0.5 m Ratemap: 1 m × 1 m".to_owned();
    let mut drawn = BTreeSet::new();
    for path in svgs(&bench.lake.join("figures/tiny")) {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let claims = match stem {
            "variants" => variants.iter().map(|variant| all(variant)).chain([size.clone()]).collect(),
            "all-ratemaps" => variants.iter().map(|variant| first(variant)).chain([size.clone()]).collect(),
            "sweep" => vec!["train.loss.lambda_cap 0.0 0.5".to_owned()],
            _ => match stem.strip_prefix("variant-") {
                Some(variant) => vec![all(variant), size.clone()],
                None => panic!("{}: a figure that has no claims here", path.display()),
            },
        };
        check(&path, &claims);
        drawn.insert(stem.to_owned());
    }
    assert_eq!(drawn, kinds(&["all-ratemaps", "sweep", "variant-lambda_cap-0.0", "variant-lambda_cap-0.5", "variants"]));
}
