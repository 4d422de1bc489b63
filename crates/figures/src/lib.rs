//! Figures fit for a paper: data in, PNG (600 dpi) and SVG out, both the same to the last byte for the same input.
//!
//! No science and no table reading happens here: callers pass arrays and verdicts, these functions draw them.
//!
//! | Question | Function |
//! |---|---|
//! | What does every unit's ratemap look like? | [`draw_ratemaps`] |
//! | How periodic is every unit? | [`draw_autocorrelograms`] |
//! | Did training converge, and where did a phase begin? | [`draw_training_curves`] |
//! | How does the code develop over training? | [`draw_development`] |
//! | What do the units of each module look like? | [`draw_module_units`] |
//! | How alike are the periods and orientations within a module? | [`draw_module_spectra`] |
//! | Do a module's phases cover the torus? | [`draw_module_phases`] |
//! | Which modules are there, and how do their periods scale? | [`draw_module_scatter`] |
//! | Which scores are beyond chance, and for how many units? | [`draw_null_distributions`] |
//! | Do the states of a module lie on a torus? | [`draw_state_embedding`] |
//! | Do they turn around three rings? | [`draw_rings`] |
//! | Which holes does their manifold have, beyond chance? | [`draw_barcodes`] |
//! | Where on the torus is each unit active? | [`draw_torus_maps`] |
//! | How far apart are states by their distance in space, and in time? | [`draw_distances`], [`draw_space_time`] |
//! | How do training and evaluation move? | [`draw_velocities`] |
//! | What do the same units look like in another arena? | [`draw_arena_maps`] |
//! | All of it as the paper's Fig. 5? | [`draw_generalization`] |
//! | Modules and units as the paper's Figs. 4, 6 and 8? | [`draw_modules_sheet`], [`draw_structure_sheet`], [`draw_all_ratemaps`] |
//! | Do periods stay the same in larger boxes? | [`draw_period_changes`] |
//! | How well, and for how long, is position known? | [`draw_decode_errors`], [`draw_coherence`] |
//! | What becomes of the units without one ingredient? | [`draw_variants`] |
//! | What becomes of the network as a key is swept? | [`draw_swept_keys`] |
//! | How does the cost grow with the problem? | [`draw_cost_curves`] |
//!
//! A run's report and a sweep's index, each one HTML file: [`report`].
//!
//! Layout: [`Page`] knows millimetres and dots, `style` holds the colours and text sizes of all figures, `canvas`
//! draws in millimetres on plotters backends (its bitmap backend and an SVG one of ours), `panels` has one kind of
//! panel per file, `figures` puts panels together.

mod axes;
mod canvas;
mod colormap;
mod error;
mod figures;
mod font;
mod number;
mod output;
mod page;
mod panels;
mod png_file;
mod quantile;
pub mod report;
mod style;
mod ticks;

pub use error::FigureError;
pub use figures::all_ratemaps::{AllRatemaps, RatemapBlock, RatemapUnit, draw_all_ratemaps};
pub use figures::arena_maps::{ArenaMaps, ArenaUnit, draw_arena_maps};
pub use figures::barcodes::{Bar, BarcodeDimension, Barcodes, draw_barcodes};
pub use figures::cost_curves::{CostCurve, draw_cost_curves};
pub use figures::development::{Development, draw_development};
pub use figures::distances::{Distances, draw_distances};
pub use figures::generalization::{PeriodChanges, PeriodPoint, draw_period_changes};
pub use figures::generalization_sheet::{GeneralizationSheet, draw_generalization};
pub use figures::module_phases::{ModulePhases, draw_module_phases};
pub use figures::module_scatter::{ModuleCentre, ModuleScatter, ScatterUnit, draw_module_scatter};
pub use figures::module_spectra::{ModuleSpectra, ModuleSpectrum, draw_module_spectra};
pub use figures::module_units::{ModuleRow, ModuleUnit, ModuleUnits, draw_module_units};
pub use figures::modules_sheet::{ModulesSheet, draw_modules_sheet};
pub use figures::null_distributions::{NullDistributions, ScoreNull, draw_null_distributions};
pub use figures::path_integration::{TimeCurve, TimeCurves, draw_coherence, draw_decode_errors};
pub use figures::sheet::{SheetOptions, UnitPanel, UnitSheet};
pub use figures::sheet_layout::MAX_UNITS;
pub use figures::space_time::{SpaceTime, draw_space_time};
pub use figures::state_rings::{Ring, RingColor, Rings, draw_rings};
pub use figures::state_space::{StateEmbedding, draw_state_embedding};
pub use figures::structure_sheet::{StructureSheet, draw_structure_sheet};
pub use figures::swept_keys::{MOST_KEYS, MOST_QUANTITIES, SweptKey, SweptKeys, SweptQuantity, draw_swept_keys};
pub use figures::torus_maps::{MAX_TORUS_UNITS, TorusMaps, TorusUnit, draw_torus_maps};
pub use figures::training_curves::{PhaseMark, TrainingCurves, draw_training_curves};
pub use figures::unit_sheets::{Normalization, draw_autocorrelograms, draw_autocorrelograms_with, draw_ratemaps, draw_ratemaps_with};
pub use figures::variants::{Variant, Variants, draw_variants};
pub use figures::velocities::{Velocities, VelocitySet, draw_velocities};
pub use number::share;
pub use page::{DOUBLE_COLUMN_MM, Page, SINGLE_COLUMN_MM};
