//! What is written of all runs of a pipeline's name: figures in `figures/<name>/`, and the index that shows them.
//!
//! Made from run records and tables alone, whichever command, process or machine worked on the runs; the same runs give the same bytes.

use crate::failure::Failure;
use crate::sweep_index::{Written, runs_of};
use crate::{sweep_figure, sweep_index, variants_figure};
use gridlake_lake::Lake;
use gridlake_lake::run_record::StageRecord;
use std::path::PathBuf;

/// How often all is made again because another process has drawn a run meanwhile.
const ATTEMPTS: usize = 5;

/// What is there of all runs.
pub(crate) struct AllRuns {
    pub(crate) index: Option<Written>,
    pub(crate) variants: Option<PathBuf>,
    pub(crate) sweep: Option<PathBuf>,
}

/// Makes what is missing; all of it where a run has changed.
///
/// # Errors
/// A torn table, a damaged record, a lake that cannot be written. A figure that cannot be made does not keep the index from being written.
pub(crate) fn refresh(lake: &Lake, name: &str, changed: bool) -> Result<AllRuns, Failure> {
    if !changed {
        let (index, variants, sweep) =
            (sweep_index::written(lake, name)?, variants_figure::written(lake, name)?, sweep_figure::written(lake, name)?);
        let lost_variants = variants.is_none() && variants_figure::update(lake, name)?.is_some();
        let lost_sweep = sweep.is_none() && sweep_figure::update(lake, name)?.is_some();
        if index.is_some() && !lost_variants && !lost_sweep {
            return Ok(AllRuns { index, variants, sweep });
        }
    }
    let mut made = update(lake, name)?;
    for _ in 1..ATTEMPTS {
        // Whoever draws a run after this looks makes all of it after that, so the last one to write has seen all.
        let before = std::mem::replace(&mut made.drawn, drawn(lake, name)?);
        if before == made.drawn {
            break;
        }
        made = update(lake, name)?;
    }
    Ok(AllRuns { index: made.index, variants: made.variants?, sweep: made.sweep? })
}

/// All of it, made once.
struct Made {
    /// What had been drawn when this began.
    drawn: Vec<(String, Option<StageRecord>)>,
    index: Option<Written>,
    variants: Result<Option<PathBuf>, Failure>,
    sweep: Result<Option<PathBuf>, Failure>,
}

fn update(lake: &Lake, name: &str) -> Result<Made, Failure> {
    let drawn = drawn(lake, name)?;
    // Figures first: the index shows them.
    let (variants, sweep) = (variants_figure::update(lake, name), sweep_figure::update(lake, name));
    Ok(Made { drawn, index: sweep_index::update(lake, name)?, variants, sweep })
}

fn drawn(lake: &Lake, name: &str) -> Result<Vec<(String, Option<StageRecord>)>, Failure> {
    Ok(runs_of(lake, name)?.into_iter().map(|(run, record)| (run, record.stages.get("draw").cloned())).collect())
}
