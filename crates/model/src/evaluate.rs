//! A trained network at work: states along any trajectory.

use crate::checkpoint::{self, Header};
use crate::config::{Activation, CheckedTrainConfig, Precision};
use crate::error::ModelError;
use crate::fused::weights;
use crate::ops::mlp::Mlp;
use crate::ops::rollout::{Rollout, Steps, norm_relu};
use crate::parameters::Parameters;
use candle_core::{DType, Device, Var};
use gridlake_space::seed::Seed;
use std::path::Path;

/// Velocities whose matrices are held at once: 64 matrices of 128 units are 4 MiB.
const CHUNK: usize = 64;

/// A network that is no longer trained.
#[derive(Debug)]
pub struct Network {
    parameters: Parameters,
    activation: Activation,
    header: Option<Header>,
}

impl Network {
    /// Reads a checkpoint.
    ///
    /// # Errors
    /// When the file is damaged or no checkpoint.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let found = checkpoint::load(path)?;
        Ok(Self { parameters: single(&found.parameters)?, activation: found.header.config.model.activation, header: Some(found.header) })
    }

    /// A network before training: the control of every analysis.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn untrained(config: &CheckedTrainConfig, seed: Seed) -> Result<Self, ModelError> {
        let parameters = Parameters::draw(&config.model, Precision::F32, &Device::Cpu, seed)?;
        Ok(Self { parameters, activation: config.model.activation, header: None })
    }

    /// Units, N.
    pub fn units(&self) -> usize {
        self.parameters.units()
    }

    /// What the checkpoint says of itself; none for an untrained network.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// States g_1 … g_T (T × N, row-major) along a trajectory of velocities (T, m per step) from g₀.
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
