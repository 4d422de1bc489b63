//! `gridlake defaults`.

use crate::output;
use crate::pipeline::schema::DEFAULTS;

/// Prints the commented defaults.
pub(crate) fn defaults() -> Result<(), crate::failure::Failure> {
    output::print(DEFAULTS)
}
