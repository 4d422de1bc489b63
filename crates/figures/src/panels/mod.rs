//! One kind of panel per file; each draws into a place that its figure gives it.

pub(crate) mod angle_arena;
pub(crate) mod color_bar;
pub(crate) mod curve;
pub(crate) mod heat_map;
pub(crate) mod histogram;
pub(crate) mod legend;
pub(crate) mod marker;
pub(crate) mod note;
pub(crate) mod point_cloud;
pub(crate) mod projection;
pub(crate) mod scale_bar;
pub(crate) mod shear_map;
pub(crate) mod side_bar;
pub(crate) mod spectrum;
pub(crate) mod stems;
