//! `gridlake defaults`.

use crate::output;
use crate::pipeline::schema::DEFAULTS;

/// Prints the commented defaults.
pub(crate) fn defaults() -> anyhow::Result<()> {
    Ok(output::print(DEFAULTS)?)
}
