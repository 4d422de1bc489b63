//! Whole figures.

pub(crate) mod cost_curves;
pub(crate) mod score_histogram;
pub(crate) mod sheet;
pub(crate) mod sheet_layout;
pub(crate) mod training_curves;
pub(crate) mod unit_sheets;
