//! A lake of very many small runs, made from one: what `docs/scaling.md` measures the verbs on.

use crate::pipeline::{Overrides, Run, resolve};
use crate::plan::{Fingerprints, Stage, assess};
use gridlake_lake::frame::Frame;
use gridlake_lake::manifest::Commit;
use gridlake_lake::partition::{self, Owner, Publication};
use gridlake_lake::run_record::RunRecord;
use gridlake_lake::schema::{GENERALIZATION, OCCUPANCY, Table, UNITS};
use gridlake_lake::{Lake, layout};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// What every run's stages leave, read from the one that is there.
struct Template {
    record: RunRecord,
    tables: Vec<(Stage, &'static Table, Vec<Frame>)>,
    checkpoint: PathBuf,
}

impl Template {
    fn read(lake: &Lake, run: &Run) -> Self {
        let of = |stage: Stage, table: &'static Table| {
            let frames = partition::read(lake, table, &run.name, run.step(), &[]).unwrap().collect::<Result<Vec<Frame>, _>>().unwrap();
            (stage, table, frames)
        };
        Self {
            record: RunRecord::load(lake, &run.name).unwrap().unwrap(),
            tables: vec![of(Stage::Record, &OCCUPANCY), of(Stage::Analyze, &UNITS), of(Stage::Analyze, &GENERALIZATION)],
            checkpoint: lake.show(&layout::checkpoint(&run.name, run.step())),
        }
    }

    /// Another run with the same content, fresh by its own settings.
    fn copy(&self, lake: &Lake, run: &Run) {
        let fingerprints = Fingerprints::new(run);
        let mut record = self.record.clone();
        (record.seed, record.fingerprint) = (run.settings.seed, run.fingerprint.clone());
        for stage in Stage::ALL {
            let fingerprint = fingerprints.made(stage, &record).to_owned();
            record.stages.get_mut(stage.name()).unwrap().fingerprint = fingerprint;
        }
        record.save(lake, &run.name).unwrap();
        let fingerprint = |stage: Stage| record.stages[stage.name()].fingerprint.clone();
        for stage in [Stage::Record, Stage::Analyze] {
            let owner = Owner { run: run.name.clone(), fingerprint: fingerprint(stage) };
            let mut publication = Publication::begin(lake, owner, stage.name(), run.step()).unwrap();
            for (_, _, frames) in self.tables.iter().filter(|(of, ..)| *of == stage) {
                for frame in frames {
                    publication.write(frame).unwrap();
                }
            }
            publication.publish().unwrap();
        }
        let mut commit = Commit::new(lake, &run.name);
        let scratch = lake.store().scratch(&run.name).unwrap();
        let mut add = |key: String, stage: Stage, bytes: &[u8]| {
            let path = scratch.path().join(Path::new(&key).file_name().unwrap());
            std::fs::write(&path, bytes).unwrap();
            commit.add_file(&path, &key, stage.name(), Some(run.step()), &fingerprint(stage)).unwrap();
        };
        add(layout::checkpoint(&run.name, run.step()), Stage::Train, &std::fs::read(&self.checkpoint).unwrap());
        // In place of some 20 figures and a page of hundreds of kilobytes.
        add(layout::report(&run.name), Stage::Draw, b"<!doctype html><title>A run</title>");
        commit.finish().unwrap();
    }
}

/// With `GRIDLAKE_PIPELINE` a pipeline file of many seeds, the first of which has been run: makes the others from it.
#[test]
#[ignore = "makes seven files for each run; docs/scaling.md says how it is used"]
fn a_lake_of_many_runs_from_one() {
    let Some(pipeline) = std::env::var_os("GRIDLAKE_PIPELINE") else { return };
    let pipeline = resolve(Path::new(&pipeline), &Overrides::default()).unwrap();
    let lake = Lake::open(&pipeline.lake).unwrap();
    let (first, others) = pipeline.runs.split_first().unwrap();
    let template = Template::read(&lake, first);
    others.par_iter().filter(|run| RunRecord::load(&lake, &run.name).unwrap().is_none()).for_each(|run| template.copy(&lake, run));
    let last = assess(Some(&lake), others.last().unwrap()).unwrap();
    assert!(last.iter().all(|verdict| verdict.stale.is_none()), "{last:?}");
}
