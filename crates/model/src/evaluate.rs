//! A trained network at work: states along any trajectory.

use crate::checkpoint::{self, Header};
use crate::config::{Activation, CheckedTrainConfig, EngineKind, Precision};
use crate::cuda::recorder::Recorder;
use crate::device::{Placement, place};
use crate::error::ModelError;
use crate::fused::weights;
use crate::ops::mlp::Mlp;
use crate::ops::rollout::{Rollout, Steps, norm_relu};
use crate::ops::simd::LANES;
use crate::parameters::Parameters;
use candle_core::{DType, Device, Var};
use gridlake_space::seed::Seed;
use std::path::Path;

/// Most floats of matrices W(v) that are held at once on a CPU: 2 MiB, which stay in a cache until they are used.
const MATRICES: usize = 1 << 19;

/// Fewest matrices at once, however large they are: the MLP's kernels work on as many velocities side by side.
const FEWEST: usize = LANES;

/// Trajectories under way: where each goes on from ([`Network::walkers`], [`Network::advance`]).
#[derive(Clone, Debug)]
pub struct Walkers {
    count: usize,
    /// (B, N); none at g₀, which each device makes for itself.
    states: Option<Vec<f32>>,
}

/// A network that is no longer trained.
#[derive(Debug)]
pub struct Network {
    parameters: Parameters,
    activation: Activation,
    header: Option<Header>,
    device: String,
    recorder: Option<Recorder>,
}

impl Network {
    /// Reads a checkpoint; the network will work on the device of this name (`auto`, `cpu`, `cuda`, `cuda:<number>`).
    ///
    /// # Errors
    /// When the file is damaged or no checkpoint, or the device is not there.
    pub fn load(path: &Path, device: &str) -> Result<Self, ModelError> {
        let found = checkpoint::load(path)?;
        let activation = found.header.config.model.activation;
        Self::on(device, single(&found.parameters)?, activation, Some(found.header))
    }

    fn on(device: &str, parameters: Parameters, activation: Activation, header: Option<Header>) -> Result<Self, ModelError> {
        let placement = place(device, EngineKind::Fused)?;
        let recorder = match &placement {
            Placement::Gpu(gpu) => Some(Recorder::new(gpu.clone(), &parameters, activation)?),
            Placement::Cpu | Placement::Candle(..) => None,
        };
        Ok(Self { parameters, activation, header, device: placement.describe(), recorder })
    }

    /// A network before training: the control of every analysis.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn untrained(config: &CheckedTrainConfig, seed: Seed) -> Result<Self, ModelError> {
        let parameters = Parameters::draw(&config.model_after(0), Precision::F32, &Device::Cpu, seed)?;
        Self::on("cpu", parameters, config.model.activation, None)
    }

    /// Units, N.
    pub fn units(&self) -> usize {
        self.parameters.units()
    }

    /// What the checkpoint says of itself; none for an untrained network.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Where the network works: `cpu`, or `cuda:<number>` and the GPU's name.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// So many trajectories that have not moved yet: each is at g₀.
    pub fn walkers(&self, count: usize) -> Walkers {
        Walkers { count, states: None }
    }

    /// Moves trajectories on, each by the same number of velocities (T, m per step), side by side; returns each one's next T states (T × N, row-major).
    ///
    /// A trajectory has the same states, to the bit, in whatever segments it is moved, beside whichever others, and by however many threads. Beyond what is
    /// returned, memory grows with the number of trajectories and units, and not with T.
    ///
    /// # Errors
    /// When memory runs out, or a GPU fails; the walkers are then where they were.
    ///
    /// # Panics
    /// If there are not as many trajectories as walkers, they differ in length, or the walkers are those of a network of other units.
    pub fn advance(&self, walkers: &mut Walkers, trajectories: &[&[[f64; 2]]]) -> Result<Vec<Vec<f32>>, ModelError> {
        let length = trajectories.first().map_or(0, |velocities| velocities.len());
        assert_eq!(trajectories.len(), walkers.count, "one trajectory for each walker");
        assert!(trajectories.iter().all(|velocities| velocities.len() == length), "trajectories of one length");
        if let Some(states) = &walkers.states {
            assert_eq!(states.len(), walkers.count * self.units(), "walkers of a network of as many units");
        }
        if length == 0 {
            return Ok(vec![Vec::new(); walkers.count]);
        }
        let from = walkers.states.as_deref();
        let states = match &self.recorder {
            Some(recorder) => recorder.advance(from, trajectories)?,
            None => self.advance_here(from, trajectories)?,
        };
        walkers.states = Some(states.iter().flat_map(|states| &states[states.len() - self.units()..]).copied().collect());
        Ok(states)
    }

    /// States g_1 … g_T (T × N, row-major) along each of several trajectories of T velocities (m per step) from g₀.
    ///
    /// # Errors
    /// When memory runs out, or a GPU fails.
    ///
    /// # Panics
    /// If the trajectories differ in length.
    pub fn rollouts(&self, trajectories: &[&[[f64; 2]]]) -> Result<Vec<Vec<f32>>, ModelError> {
        self.advance(&mut self.walkers(trajectories.len()), trajectories)
    }

    /// On the CPU: all states of each trajectory, from states (B × N) or from g₀. Matrices are made for some steps of some trajectories at a time.
    fn advance_here(&self, from: Option<&[f32]>, trajectories: &[&[[f64; 2]]]) -> Result<Vec<Vec<f32>>, ModelError> {
        let n = self.units();
        let (initial, _) = norm_relu(&self.parameters.initial_raw.to_vec1::<f32>()?);
        let stride = initial.len();
        let at_once = (MATRICES / (n * n)).max(FEWEST);
        let (mut mlp, mut rollout, mut w) = (Mlp::new(self.activation), Rollout::default(), Vec::new());
        let mut found = Vec::with_capacity(trajectories.len());
        for (group, trajectories) in trajectories.chunks(at_once).enumerate() {
            let (count, length) = (trajectories.len(), trajectories[0].len());
            let mut states = initial.repeat(count);
            if let Some(from) = from {
                let own = from[group * at_once * n..].chunks_exact(n);
                states.chunks_exact_mut(stride).zip(own).for_each(|(state, from)| state[..n].copy_from_slice(from));
            }
            let mut paths: Vec<Vec<f32>> = (0..count).map(|_| Vec::with_capacity(length * n)).collect();
            let turn = (at_once / count).min(length);
            for first in (0..length).step_by(turn) {
                let steps = turn.min(length - first);
                let velocities: Vec<[f64; 2]> = trajectories.iter().flat_map(|v| &v[first..first + steps]).copied().collect();
                weights(&mut mlp, &self.parameters, &velocities, &mut w)?;
                let index: Vec<u32> = (0..velocities.len() as u32).collect();
                let steps = Steps { batch: count, length: steps, units: n, velocities: velocities.len(), index: &index };
                rollout.continue_from(steps, &w, &states);
                let walked = rollout.g.chunks_exact(steps.length * stride);
                for ((path, state), walked) in paths.iter_mut().zip(states.chunks_exact_mut(stride)).zip(walked) {
                    path.extend(walked.chunks_exact(stride).flat_map(|row| &row[..n]));
                    state.copy_from_slice(&walked[walked.len() - stride..]);
                }
            }
            found.append(&mut paths);
        }
        Ok(found)
    }
}

/// The parameters in `f32`: what recordings are made in, whatever they were trained in.
fn single(parameters: &Parameters) -> Result<Parameters, ModelError> {
    let cast = |var: &Var| -> Result<Var, ModelError> { Ok(Var::from_tensor(&var.to_dtype(DType::F32)?)?) };
    Ok(Parameters {
        initial_raw: cast(&parameters.initial_raw)?,
        layers: parameters.layers.iter().map(|(w, b)| Ok((cast(w)?, cast(b)?))).collect::<Result<_, ModelError>>()?,
        trainable_initial_state: parameters.trainable_initial_state,
    })
}
