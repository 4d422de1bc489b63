//! Scores over their nulls, of an arena's active units.

use super::draw::UnitRow;
use super::module_figures::rows_of;
use crate::failure::Failure;
use crate::workspace::Workspace;
use gridlake_figures::{NullDistributions, ScoreNull, draw_null_distributions};
use gridlake_lake::partition;
use gridlake_lake::schema::NULLS;
use std::path::{Path, PathBuf};

/// As `units.above_null` and `classes.discovered` have it.
const SIGNIFICANCE: f64 = 0.01;
const FALSE_DISCOVERIES: f64 = 0.05;
/// Names of scores as the tables have them, and as figures do.
const SCORES: [(&str, &str); 6] = [
    ("sargolini", "grid score (Sargolini)"),
    ("banino", "grid score (Banino)"),
    ("square", "90° score"),
    ("periodicity", "unevenness of waves"),
    ("border", "border score"),
    ("wall_score", "wall score"),
];

/// Each score over its null, and p-values.
pub(super) fn nulls(workspace: &Workspace<'_>, arena: &str, rows: &[&UnitRow], title: &str, stem: &Path) -> Result<Vec<PathBuf>, Failure> {
    let active: Vec<&UnitRow> = rows.iter().copied().filter(|row| row.active).collect();
    let mut pooled: Vec<Vec<f64>> = vec![Vec::new(); SCORES.len()];
    let (lake, run, step) = (workspace.lake, &workspace.run.name, workspace.last_step());
    if active.is_empty() || !partition::exists(lake, &NULLS, run, step)? {
        return Ok(Vec::new());
    }
    for frame in partition::read(lake, &NULLS, run, step, &["arena", "score", "null"])? {
        let frame = frame?;
        let (length, values) = frame.floats("null");
        for row in rows_of(&frame, arena) {
            let Some(score) = SCORES.iter().position(|(name, _)| frame.text("score")[row].as_deref() == Some(name)) else { continue };
            pooled[score]
                .extend(values[row * length..(row + 1) * length].iter().map(|score| f64::from(*score)).filter(|score| score.is_finite()));
        }
    }
    let told: Vec<(Vec<f64>, Vec<f64>, usize)> = (0..SCORES.len())
        .map(|score| {
            let scores = active.iter().map(|row| row.scores[score]).collect();
            let p: Vec<f64> = active.iter().map(|row| row.p_values[score]).collect();
            let q = gridlake_analysis::nulls::discovery::discovery(&p, gridlake_analysis::nulls::discovery::Dependence::Positive);
            let controlled = q.called(FALSE_DISCOVERIES);
            (scores, p, controlled)
        })
        .collect();
    let scores: Vec<ScoreNull<'_>> = told
        .iter()
        .zip(&pooled)
        .zip(SCORES)
        .map(|(((scores, p_values, controlled), null_scores), (_, name))| ScoreNull {
            name,
            scores,
            null_scores,
            p_values,
            significant: p_values.iter().filter(|p| **p <= SIGNIFICANCE).count(),
            significant_controlled: *controlled,
        })
        .collect();
    let input = NullDistributions {
        title,
        scores: &scores,
        unit_count: active.len(),
        units_name: "active units",
        significance: SIGNIFICANCE,
        false_discovery_rate: FALSE_DISCOVERIES,
    };
    Ok(draw_null_distributions(&input, stem)?)
}
