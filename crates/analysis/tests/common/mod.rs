//! What the integration tests share: the page of measured numbers, and synthetic populations of known truth.

pub(crate) mod bless;
pub(crate) mod population;
