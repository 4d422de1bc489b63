//! How a GPU's blocks divide the pairs of states among them.

use crate::error::ModelError;

/// Columns of a tile.
const TILE_COLUMNS: usize = 64;

/// Most panels of a group.
const MOST_PANELS: usize = 16;

/// Most bytes of partial gradients.
const MOST_PARTIALS: usize = 1 << 30;

/// What of a GPU's second-level cache columns' sums may fill.
const L2_BYTES: usize = 40 << 20;

/// Groups of `panels` panels of `rows` states; a block takes a pair of groups (kernel.cu).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PairPlan {
    /// Rows of a tile, which are those of a panel.
    pub(crate) rows: usize,
    pub(crate) panels: usize,
    pub(crate) groups: usize,
    /// Units that a block sums over: all up to 128, else 128 of them.
    pub(crate) units: usize,
    /// Blocks that share a pair of groups, each with its own units.
    pub(crate) chunks: usize,
}

impl PairPlan {
    /// The plan for `batches` batches of `states` states of `stride` floats that should take the least time on a GPU with so many multiprocessors and bytes of shared
    /// memory for a block. It depends on these numbers only, so that the same model of GPU adds up in the same order.
    ///
    /// # Errors
    /// When a tile does not fit into the GPU's shared memory.
    pub(crate) fn new(
        batches: usize,
        states: usize,
        stride: usize,
        multiprocessors: usize,
        shared_bytes: usize,
    ) -> Result<Self, ModelError> {
        let candidates =
            [128, 64].into_iter().flat_map(|rows| (1..=MOST_PANELS).map(move |panels| Self::with(states, stride, rows, panels)));
        let fitting = candidates.filter(|plan| plan.shared_bytes() <= shared_bytes);
        // The first of equals: larger tiles, smaller groups.
        let best = fitting.min_by(|a, b| {
            let cost = |plan: &Self| {
                let over = plan.partial_bytes(batches, stride).saturating_sub(MOST_PARTIALS);
                plan.estimate_us(batches, stride, multiprocessors) + over as f64
            };
            cost(a).total_cmp(&cost(b))
        });
        best.ok_or_else(|| ModelError::Gpu {
            doing: "planning the pair losses",
            reason: format!(
                "a block has {shared_bytes} bytes of shared memory, and {} are needed",
                Self::with(states, stride, 64, 1).shared_bytes()
            ),
        })
    }

    /// A plan of these very panels.
    pub(crate) fn with(states: usize, stride: usize, rows: usize, panels: usize) -> Self {
        let units = stride.min(128);
        Self { rows, panels, groups: states.div_ceil(rows * panels), units, chunks: stride / units }
    }

    pub(crate) fn group_rows(&self) -> usize {
        self.rows * self.panels
    }

    /// States, rounded up to whole groups.
    pub(crate) fn states_padded(&self) -> usize {
        self.groups * self.group_rows()
    }

    /// Pairs of groups of one batch.
    pub(crate) fn group_pairs(&self) -> usize {
        self.groups * (self.groups + 1) / 2
    }

    pub(crate) fn threads(&self) -> usize {
        2 * self.rows
    }

    /// `sizeof(SweepRoom)`.
    pub(crate) fn shared_bytes(&self) -> usize {
        let floats = (self.rows + TILE_COLUMNS) * self.units + self.rows * TILE_COLUMNS;
        let positions_and_norms = 3 * (self.rows + TILE_COLUMNS);
        let slopes = 2 * self.rows + self.rows / 32 * TILE_COLUMNS;
        4 * (floats + positions_and_norms + slopes) + 8 * (self.rows / 16)
    }

    /// Floats of partial gradients.
    pub(crate) fn partials_len(&self, batches: usize, stride: usize) -> usize {
        batches * self.groups * self.states_padded() * stride
    }

    fn partial_bytes(&self, batches: usize, stride: usize) -> usize {
        4 * self.partials_len(batches, stride)
    }

    /// Roughly how long the sweep takes, µs: tiles in the order in which blocks are handed out, and the partial gradients' way to memory and back. From the rates of
    /// an H100's datasheet, not measured; only their ratio matters here.
    fn estimate_us(&self, batches: usize, stride: usize, multiprocessors: usize) -> f64 {
        let tile = 3.5 * self.units as f64 / 128.0 * (1.0 + 2.0 * self.chunks as f64) / 3.0 * if self.rows == 128 { 1.0 } else { 0.55 };
        let columns = (self.group_rows() / TILE_COLUMNS) as f64;
        let whole = self.panels as f64 * columns * tile;
        // Half of a square, and the tiles on its diagonal.
        let half = whole * (0.5 + 0.5 / self.panels as f64);
        let slots = multiprocessors.max(1);
        let (wholes, halves) = (batches * self.chunks * self.groups * (self.groups - 1) / 2, batches * self.chunks * self.groups);
        let (rounds, rest) = (wholes / slots, wholes % slots);
        // Halves fill the slots that the last round of wholes leaves free, then go round.
        let free = if rest == 0 { 0 } else { (slots - rest) * (whole / half).floor() as usize };
        let more = halves.saturating_sub(free).div_ceil(slots);
        let busy = (rounds as f64 + f64::from(u8::from(rest > 0))) * whole + more as f64 * half;
        // Slots written once and read by `state_gradient`; and columns' sums read and written by each panel, from the second-level cache if they stay there.
        let slots_us = 2.0 * self.partial_bytes(batches, stride) as f64 / 3e6;
        let in_use = 4 * slots.min(wholes) * self.group_rows() * self.units;
        let rate = if in_use <= L2_BYTES { 5e6 } else { 2.5e6 };
        let columns_us = (8 * wholes * self.panels * self.group_rows() * self.units) as f64 / rate;
        let memory = slots_us + columns_us;
        busy + memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_cover_all_states_and_keep_within_memory() {
        for (batches, states, units) in [(1, 1, 64), (1, 63, 96), (2, 720, 96), (2, 7_800, 128), (1, 100_000, 128), (8, 2_000, 512)] {
            for (multiprocessors, shared) in [(132, 232_448), (108, 166_912), (46, 101_376)] {
                let plan = PairPlan::new(batches, states, units, multiprocessors, shared).expect("a plan");
                assert!(plan.states_padded() >= states && plan.states_padded() < states + plan.group_rows());
                assert!(plan.shared_bytes() <= shared && plan.units * plan.chunks == units);
                // Where even the largest groups need more, the least that is possible.
                assert!(plan.partial_bytes(batches, units) <= MOST_PARTIALS || plan.panels == MOST_PANELS, "{plan:?}");
            }
        }
    }

    #[test]
    fn small_problems_are_spread_and_large_ones_grouped() {
        let quickstart = PairPlan::new(1, 720, 96, 132, 232_448).expect("a plan");
        assert!(quickstart.group_pairs() >= 40, "{quickstart:?}");
        let paper = PairPlan::new(2, 7_800, 128, 132, 232_448).expect("a plan");
        assert!(paper.rows == 128 && paper.panels > 1 && paper.partial_bytes(2, 128) < 400 << 20, "{paper:?}");
    }

    #[test]
    fn a_gpu_with_too_little_shared_memory_is_an_error() {
        assert!(PairPlan::new(1, 100, 128, 16, 48 << 10).is_err());
    }
}
