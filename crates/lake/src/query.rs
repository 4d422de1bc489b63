//! What the tables say in sum, by Polars.

use crate::error::LakeError;
use crate::frame::Frame;
use crate::layout::Lake;
use crate::partition;
use crate::schema::UNITS;
use polars::prelude::{Column, DataFrame, IntoLazy, NamedFrom, PolarsResult, Series, SortMultipleOptions, col, len, lit};

/// One arena's units in sum.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitSummary {
    /// Label of the arena.
    pub arena: String,
    /// All units.
    pub units: usize,
    /// Units that fire.
    pub active: usize,
    /// Active units whose score is above its own 99 % null.
    pub above_null: usize,
    /// Median of `grid_score_sargolini` over active units that have one; NaN without.
    pub median_score: f64,
    /// Units of each class, by name; classes without a unit are left out.
    pub classes: Vec<(String, usize)>,
}

/// Sums up the `units` table of one run and step, arena by arena, smallest box first.
///
/// # Errors
/// A file that is missing or torn.
pub fn unit_summaries(lake: &Lake, run: &str, step: u64) -> Result<Vec<UnitSummary>, LakeError> {
    let columns = ["arena", "box_m", "class", "grid_score_sargolini", "active", "above_null"];
    let mut summaries = Vec::new();
    for frame in partition::read(lake, &UNITS, run, step, &columns)? {
        summaries.push(frame?);
    }
    let path = lake.show(&crate::layout::part(&UNITS, run, step));
    summarize(&summaries).map_err(|error| LakeError::damaged(&path, format!("cannot be summed up: {error}")))
}

fn summarize(frames: &[Frame]) -> PolarsResult<Vec<UnitSummary>> {
    let mut table = DataFrame::empty();
    for frame in frames {
        table.vstack_mut(&units(frame)?)?;
    }
    if table.height() == 0 {
        return Ok(Vec::new());
    }
    let active = || col("active");
    let of = |column: &str, flag: &str| col(column).filter(col(flag));
    let classes = table
        .clone()
        .lazy()
        .group_by([col("arena"), col("class")])
        .agg([len().cast(polars::prelude::DataType::UInt64).alias("units")])
        .sort(["arena", "class"], SortMultipleOptions::default())
        .collect()?;
    let sums = table
        .lazy()
        .group_by([col("arena"), col("box_m")])
        .agg([
            len().cast(polars::prelude::DataType::UInt64).alias("units"),
            active().cast(polars::prelude::DataType::UInt64).sum().alias("active_units"),
            (active().and(col("above_null"))).cast(polars::prelude::DataType::UInt64).sum().alias("above"),
            of("grid_score_sargolini", "active").median().alias("score"),
        ])
        .filter(col("units").gt(lit(0_u64)))
        .sort(["box_m", "arena"], SortMultipleOptions::default())
        .collect()?;
    let count = |name: &str, row: usize| -> PolarsResult<usize> { Ok(sums.column(name)?.u64()?.get(row).unwrap_or(0) as usize) };
    let number = |name: &str, row: usize| -> PolarsResult<f64> { Ok(sums.column(name)?.f64()?.get(row).unwrap_or(f64::NAN)) };
    let of_arena = |arena: &str| -> PolarsResult<Vec<(String, usize)>> {
        let (arenas, names, counts) = (classes.column("arena")?.str()?, classes.column("class")?.str()?, classes.column("units")?.u64()?);
        let rows = (0..classes.height()).filter(|row| arenas.get(*row) == Some(arena));
        Ok(rows.map(|row| (names.get(row).unwrap_or_default().to_owned(), counts.get(row).unwrap_or(0) as usize)).collect())
    };
    (0..sums.height())
        .map(|row| {
            Ok(UnitSummary {
                arena: sums.column("arena")?.str()?.get(row).unwrap_or_default().to_owned(),
                units: count("units", row)?,
                active: count("active_units", row)?,
                above_null: count("above", row)?,
                median_score: number("score", row)?,
                classes: of_arena(sums.column("arena")?.str()?.get(row).unwrap_or_default())?,
            })
        })
        .collect()
}

/// The columns that are summed up, NaN as null.
fn units(frame: &Frame) -> PolarsResult<DataFrame> {
    let mut columns = Vec::new();
    for name in ["arena", "class"] {
        let text: Vec<Option<&str>> = frame.text(name).iter().map(Option::as_deref).collect();
        columns.push(Column::from(Series::new(name.into(), text)));
    }
    for name in ["box_m", "grid_score_sargolini"] {
        let values: Vec<Option<f64>> = frame.float64(name).iter().map(|value| (!value.is_nan()).then_some(*value)).collect();
        columns.push(Column::from(Series::new(name.into(), values)));
    }
    for name in ["active", "above_null"] {
        columns.push(Column::from(Series::new(name.into(), frame.boolean(name))));
    }
    DataFrame::new(frame.rows(), columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Data;

    #[test]
    fn arenas_are_summed_up_apart_and_nulls_left_out() {
        let arenas = ["b", "a", "a", "a", "a"];
        let frame = Frame::new(&UNITS, 5)
            .with("arena", Data::Text(arenas.iter().map(|arena| Some((*arena).into())).collect()))
            .with("box_m", vec![3.0, 2.0, 2.0, 2.0, 2.0])
            .with("class", Data::Text(["grid", "grid", "grid", "band", "dead"].iter().map(|class| Some((*class).into())).collect()))
            .with("grid_score_sargolini", vec![0.1, 1.0, 1.2, f64::NAN, 9.0])
            .with("active", vec![true, true, true, true, false])
            .with("above_null", vec![false, true, true, false, true]);
        let sums = summarize(&[frame.filter(|row| row < 2), frame.filter(|row| row >= 2)]).unwrap();
        assert_eq!(sums.len(), 2);
        let (a, b) = (&sums[0], &sums[1]);
        assert_eq!((a.arena.as_str(), a.units, a.active, a.above_null), ("a", 4, 3, 2));
        assert!((a.median_score - 1.1).abs() < 1e-12);
        assert_eq!(a.classes, [("band".to_owned(), 1), ("dead".to_owned(), 1), ("grid".to_owned(), 2)]);
        assert_eq!((b.units, b.active, b.classes.len()), (1, 1, 1));
        assert!(b.median_score == 0.1);
        assert_eq!(summarize(&[]).unwrap(), []);
    }
}
