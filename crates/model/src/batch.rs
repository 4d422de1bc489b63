//! A training batch (eq. 1): velocities shared by all trajectories, in another order in each.

use crate::config::{Augmentation, DataConfig, VelocityDistribution};
use crate::cuda::Queue;
use crate::device::gpu;
use crate::error::ModelError;
use crate::ops::draw::{BatchBuffers, Progress, StepInput};
use gridlake_space::seed::{Seed, Stream};

/// B trajectories of T steps over K distinct velocities, all from x = 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Trajectories, B.
    pub batch: usize,
    /// Steps, T.
    pub length: usize,
    /// (K): the distinct velocities, m per step; K = T with permutation augmentation, B·T without.
    pub velocities_m: Vec<[f64; 2]>,
    /// (B, T): which velocity each step uses.
    pub index: Vec<u32>,
    positions_m: Vec<[f64; 2]>,
    speeds_m: Vec<f64>,
}

impl Batch {
    /// A batch of given velocities (K, m per step) in given orders (B, T).
    ///
    /// # Panics
    /// If `index` does not have B·T elements below K.
    pub fn new(batch: usize, length: usize, velocities_m: Vec<[f64; 2]>, index: Vec<u32>) -> Self {
        assert!(index.len() == batch * length && index.iter().all(|k| (*k as usize) < velocities_m.len()));
        let mut new = Self { batch, length, velocities_m, index, ..Self::default() };
        new.follow();
        new
    }

    /// Draws a batch; see [`Self::redraw`].
    pub fn draw(data: &DataConfig, stream: &mut Stream) -> Self {
        let mut batch = Self::default();
        batch.redraw(data, stream);
        batch
    }

    /// Draws a batch into the same memory. Velocities are i.i.d.; with [`Augmentation::Permutation`] every trajectory takes the same T velocities
    /// in an order of its own, else each draws its own.
    pub fn redraw(&mut self, data: &DataConfig, stream: &mut Stream) {
        (self.batch, self.length) = (data.batch, data.length);
        let states = data.batch * data.length;
        let permuted = data.augmentation == Augmentation::Permutation;
        self.velocities_m.clear();
        self.velocities_m.extend((0..if permuted { data.length } else { states }).map(|_| velocity(data, stream)));
        self.index.clear();
        if permuted {
            for _ in 0..data.batch {
                let start = self.index.len();
                self.index.extend(0..data.length as u32);
                stream.shuffle(&mut self.index[start..]);
            }
        } else {
            self.index.extend(0..states as u32);
        }
        self.follow();
    }

    /// Sums up positions and speeds.
    fn follow(&mut self) {
        self.positions_m.clear();
        self.speeds_m.clear();
        for trajectory in self.index.chunks_exact(self.length) {
            let mut x = [0.0; 2];
            for v in trajectory.iter().map(|k| self.velocities_m[*k as usize]) {
                x = [x[0] + v[0], x[1] + v[1]];
                self.positions_m.push(x);
                self.speeds_m.push((v[0] * v[0] + v[1] * v[1]).sqrt());
            }
        }
    }

    /// (K): the states that use each velocity, in order.
    pub(crate) fn uses(&self) -> Vec<Vec<u32>> {
        let mut uses = vec![Vec::new(); self.velocities_m.len()];
        for (state, k) in self.index.iter().enumerate() {
            uses[*k as usize].push(state as u32);
        }
        uses
    }

    /// (B·T): x_t = v_1 + … + v_t, m.
    pub fn positions_m(&self) -> &[[f64; 2]] {
        &self.positions_m
    }

    /// (B·T): ‖v_t‖, m.
    pub fn speeds_m(&self) -> &[f64] {
        &self.speeds_m
    }
}

/// The batches of one step as a GPU (`auto`, `cuda`, `cuda:<number>`) draws them from the stream of this name and index: those that [`Batch::redraw`] draws one
/// after the other. `serially` has it take the way on which nothing is drawn in parallel.
///
/// # Errors
/// When there is no such GPU, or it fails.
pub fn draw_on_gpu(
    device: &str,
    data: &DataConfig,
    (seed, name, index): (Seed, &str, u64),
    batches: usize,
    serially: bool,
) -> Result<Vec<Batch>, ModelError> {
    let queue = Queue::new(gpu(device)?)?;
    let (mut inputs, progress) = (queue.zeros(1)?, queue.zeros::<Progress>(1)?);
    queue.upload(&mut inputs, &[StepInput { key: seed.key(name, index), ..StepInput::default() }])?;
    let buffers = BatchBuffers::new(&queue, data, batches, data.batch * data.length)?;
    buffers.draw(&queue, data, inputs.address(), progress.address(), serially)?;
    buffers.download(&queue, data)
}

fn velocity(data: &DataConfig, stream: &mut Stream) -> [f64; 2] {
    let limit = data.velocity_limit_m;
    loop {
        let v = [stream.uniform_in(-limit, limit), stream.uniform_in(-limit, limit)];
        if data.velocity_distribution == VelocityDistribution::Square || v[0] * v[0] + v[1] * v[1] <= limit * limit {
            return v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridlake_space::seed::Seed;

    fn data() -> DataConfig {
        DataConfig {
            batch: 7,
            length: 11,
            velocity_limit_m: 0.15,
            velocity_distribution: VelocityDistribution::Square,
            augmentation: Augmentation::Permutation,
        }
    }

    #[test]
    fn permuted_trajectories_use_every_velocity_once_and_end_together() {
        let batch = Batch::draw(&data(), &mut Seed(1).stream("batch", 0));
        assert_eq!(batch.velocities_m.len(), 11);
        for trajectory in batch.index.chunks(11) {
            let mut sorted = trajectory.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..11).collect::<Vec<_>>());
        }
        let x = batch.positions_m();
        for b in 1..7 {
            assert!((0..2).all(|a| (x[b * 11 + 10][a] - x[10][a]).abs() < 1e-12));
        }
        assert!(batch.index[..11] != batch.index[11..22], "orders differ");
    }

    #[test]
    fn without_augmentation_no_velocity_is_shared() {
        let batch = Batch::draw(&DataConfig { augmentation: Augmentation::None, ..data() }, &mut Seed(1).stream("batch", 0));
        assert_eq!((batch.velocities_m.len(), batch.index.len()), (77, 77));
        assert_eq!(batch.speeds_m().len(), 77);
    }

    #[test]
    fn velocities_fill_their_square_or_disc() {
        let limit = 0.15;
        for (shape, mean_squared) in
            [(VelocityDistribution::Square, limit * limit * 2.0 / 3.0), (VelocityDistribution::Disc, limit * limit / 2.0)]
        {
            let data = DataConfig { batch: 1, length: 20_000, velocity_distribution: shape, ..data() };
            let v = Batch::draw(&data, &mut Seed(2).stream("batch", 0)).velocities_m;
            let mean = v.iter().map(|v| v[0] * v[0] + v[1] * v[1]).sum::<f64>() / v.len() as f64;
            assert!((mean / mean_squared - 1.0).abs() < 0.02, "{shape:?} {mean}");
            assert!(v.iter().flatten().all(|c| c.abs() <= limit));
        }
    }
}
