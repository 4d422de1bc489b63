//! A trained network at work: states along any trajectory.

use crate::checkpoint::{self, Header};
use crate::config::{Activation, CheckedTrainConfig, EngineKind, Precision};
use crate::cuda::recorder::Recorder;
use crate::device::{Placement, place};
use crate::error::ModelError;
use crate::fused::weights;
use crate::ops::mlp::Mlp;
use crate::ops::rollout::{Rollout, Steps, norm_relu};
use crate::parameters::Parameters;
use candle_core::{DType, Device, Var};
use gridlake_space::seed::Seed;
use rayon::prelude::*;
use std::path::Path;

/// Velocities whose matrices are held at once: 64 matrices of 128 units are 4 MiB.
const CHUNK: usize = 64;

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
        let parameters = Parameters::draw(&config.model, Precision::F32, &Device::Cpu, seed)?;
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

    /// [`Self::rollout`] along several trajectories of one length: by all threads, or side by side on a GPU.
    ///
    /// # Errors
    /// When memory runs out, or a GPU fails.
    ///
    /// # Panics
    /// If the trajectories differ in length.
    pub fn rollouts(&self, trajectories: &[&[[f64; 2]]]) -> Result<Vec<Vec<f32>>, ModelError> {
        match &self.recorder {
            Some(recorder) => recorder.rollouts(trajectories),
            None => trajectories.par_iter().map(|velocities_m| self.rollout(velocities_m)).collect(),
        }
    }

    /// On the CPU: states g_1 … g_T (T × N, row-major) along a trajectory of velocities (T, m per step) from g₀.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn rollout(&self, velocities_m: &[[f64; 2]]) -> Result<Vec<f32>, ModelError> {
        let n = self.units();
        let (mut state, _) = norm_relu(&self.parameters.initial_raw.to_vec1::<f32>()?);
        let stride = state.len();
        let mut states = Vec::with_capacity(velocities_m.len() * n);
        let (mut mlp, mut rollout, mut w) = (Mlp::new(self.activation), Rollout::default(), Vec::new());
        for chunk in velocities_m.chunks(CHUNK) {
            weights(&mut mlp, &self.parameters, chunk, &mut w)?;
            let index: Vec<u32> = (0..chunk.len() as u32).collect();
            let steps = Steps { batch: 1, length: chunk.len(), units: n, velocities: chunk.len(), index: &index };
            rollout.continue_from(steps, &w, &state);
            states.extend(rollout.g.chunks_exact(stride).flat_map(|row| &row[..n]));
            state.copy_from_slice(&rollout.g[rollout.g.len() - stride..]);
        }
        Ok(states)
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
