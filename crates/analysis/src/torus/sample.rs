//! What the test is given: one module's activity at moments of known position.

use super::error::TorusError;
use gridlake_space::arena::Arena;
use ndarray::ArrayView2;

/// Activity of the units of one module at some moments, and where these were.
#[derive(Debug, Clone, Copy)]
pub struct TorusSample<'a> {
    /// Moments × units, any unit of activity; up to some 10,000 moments.
    pub activity: ArrayView2<'a, f32>,
    /// Per moment: (x, y) in metres from the arena's middle.
    pub positions_m: &'a [[f64; 2]],
    /// Where the moments were.
    pub arena: Arena,
}

impl TorusSample<'_> {
    pub(super) fn check(&self) -> Result<(), TorusError> {
        let (moments, positions) = (self.activity.nrows(), self.positions_m.len());
        if moments != positions {
            return Err(TorusError::Positions { moments, positions });
        }
        if let Some(((moment, unit), &value)) = self.activity.indexed_iter().find(|(_, value)| !value.is_finite()) {
            return Err(TorusError::Activity { moment, unit, value });
        }
        match self.positions_m.iter().position(|position| !position.iter().all(|x| x.is_finite())) {
            Some(moment) => Err(TorusError::Position { moment, position_m: self.positions_m[moment] }),
            None => Ok(()),
        }
    }
}
