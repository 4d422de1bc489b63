//! Checkpoints: one safetensors file with everything that training needs to go on bit for bit.
//!
//! Tensors: every parameter by name, `adamw.first.<name>` and `adamw.second.<name>`. Metadata (`gridlake`): JSON of [`Header`]: format, step,
//! fingerprint, seed, the whole configuration, the scheduler's state, the position of the batches' random stream, and a checksum of the tensors.
//! Written aside, synced and renamed: a checkpoint exists whole or not at all.

use crate::config::TrainConfig;
use crate::error::ModelError;
use crate::optimizer::{AdamW, Moments};
use crate::parameters::Parameters;
use crate::schedule::Plateau;
use candle_core::{DType, Device, Tensor, Var};
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

/// Version of the layout above; readers refuse newer ones.
pub const CHECKPOINT_VERSION: u32 = 1;

/// What a checkpoint says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`CHECKPOINT_VERSION`] of the writer.
    pub format: u32,
    /// Optimizer steps done.
    pub step: u64,
    /// Fingerprint of the run's configuration.
    pub fingerprint: String,
    /// Seed of the run.
    pub seed: u64,
    /// The random stream that the next batch is drawn from: its name and index. Streams are addressed, so this is their whole state.
    pub stream: (String, u64),
    /// The configuration.
    pub config: TrainConfig,
    /// The scheduler's state.
    pub(crate) plateau: Plateau,
    /// SHA-256 over names and bytes of all tensors in the order of their names.
    pub checksum: String,
}

/// A checkpoint in memory.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub(crate) header: Header,
    pub(crate) parameters: Parameters,
    pub(crate) optimizer: AdamW,
}

fn bytes_f32(data: &[f32]) -> Vec<u8> {
    data.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn bytes_f64(data: &[f64]) -> Vec<u8> {
    data.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// (dtype, shape, little-endian bytes) of a parameter.
fn raw(var: &Var) -> Result<(Dtype, Vec<usize>, Vec<u8>), ModelError> {
    let flat = var.flatten_all()?.to_device(&Device::Cpu)?;
    let shape = var.dims().to_vec();
    Ok(if var.dtype() == DType::F64 {
        (Dtype::F64, shape, bytes_f64(&flat.to_vec1()?))
    } else {
        (Dtype::F32, shape, bytes_f32(&flat.to_vec1()?))
    })
}

fn checksum<'a>(tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hasher = Sha256::new();
    for (name, bytes) in tensors {
        hasher.update(name.as_bytes());
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    hasher.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Writes a checkpoint; `header.checksum` is filled in.
pub(crate) fn save(path: &Path, mut header: Header, parameters: &Parameters, optimizer: &AdamW) -> Result<(), ModelError> {
    let mut tensors = BTreeMap::new();
    for ((name, var), moments) in parameters.named().into_iter().zip(&optimizer.moments) {
        let (dtype, shape, bytes) = raw(var)?;
        let (first, second) = match moments {
            Moments::F32 { first, second } => (bytes_f32(first), bytes_f32(second)),
            Moments::F64 { first, second } => (bytes_f64(first), bytes_f64(second)),
        };
        tensors.insert(format!("adamw.first.{name}"), (dtype, shape.clone(), first));
        tensors.insert(format!("adamw.second.{name}"), (dtype, shape.clone(), second));
        tensors.insert(name, (dtype, shape, bytes));
    }
    header.checksum = checksum(tensors.iter().map(|(name, (_, _, bytes))| (name.as_str(), bytes.as_slice())));
    let damaged = |reason: String| ModelError::Checkpoint { path: path.to_owned(), reason };
    let json = serde_json::to_string(&header).map_err(|e| damaged(e.to_string()))?;
    let views = tensors
        .iter()
        .map(|(name, (dtype, shape, bytes))| Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|e| damaged(e.to_string()))?;
    let file = safetensors::serialize(views, Some(HashMap::from([("gridlake".to_owned(), json)]))).map_err(|e| damaged(e.to_string()))?;
    write_whole(path, &file).map_err(|source| ModelError::Io { path: path.to_owned(), source })
}

/// Write aside, sync, rename, sync the folder.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // What any other program's new files get, umask applied; temporary files would be private.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut aside = tempfile::Builder::new().prefix(".tmp-").permissions(permissions).tempfile_in(folder)?;
    aside.write_all(bytes)?;
    aside.as_file().sync_all()?;
    aside.persist(path).map_err(|e| e.error)?;
    std::fs::File::open(folder)?.sync_all()
}

/// What to do about a damaged file.
const REMEDY: &str = "remove the file (training goes on from the checkpoint before it), or copy it anew";

/// Reads and checks a checkpoint.
pub(crate) fn load(path: &Path) -> Result<Checkpoint, ModelError> {
    let damaged = |reason: String| ModelError::Checkpoint { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|source| ModelError::Io { path: path.to_owned(), source })?;
    let (_, metadata) =
        safetensors::SafeTensors::read_metadata(&bytes).map_err(|e| damaged(format!("is torn or no safetensors file ({e}); {REMEDY}")))?;
    let file = safetensors::SafeTensors::deserialize(&bytes).map_err(|e| damaged(format!("is torn ({e}); {REMEDY}")))?;
    let json = metadata
        .metadata()
        .as_ref()
        .and_then(|m| m.get("gridlake"))
        .ok_or_else(|| damaged("was not written by gridlake (no `gridlake` metadata)".into()))?;
    let format = serde_json::from_str::<serde_json::Value>(json).ok().and_then(|v| v.get("format")?.as_u64());
    if format.is_some_and(|f| f > u64::from(CHECKPOINT_VERSION)) {
        return Err(damaged(format!(
            "has format {}, this program reads up to {CHECKPOINT_VERSION}; use a newer gridlake",
            format.unwrap_or_default()
        )));
    }
    let header: Header = serde_json::from_str(json).map_err(|e| damaged(format!("has an unreadable header ({e})")))?;
    let sorted: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    if checksum(sorted.iter().map(|(name, view)| (name.as_str(), view.data()))) != header.checksum {
        return Err(damaged(format!("was altered: its tensors do not match their checksum; {REMEDY}")));
    }
    assemble(header, &sorted).map_err(|e| damaged(format!("does not hold the network that its header describes ({e})")))
}

fn assemble(header: Header, tensors: &BTreeMap<String, TensorView<'_>>) -> Result<Checkpoint, candle_core::Error> {
    let get = |name: &str| tensors.get(name).ok_or_else(|| candle_core::Error::Msg(format!("tensor {name} is missing")));
    let tensor = |name: &str| -> Result<Var, candle_core::Error> {
        let view = get(name)?;
        let shape = view.shape();
        Var::from_tensor(&match view.dtype() {
            Dtype::F32 => Tensor::from_vec(floats32(view.data()), shape, &Device::Cpu)?,
            Dtype::F64 => Tensor::from_vec(floats64(view.data()), shape, &Device::Cpu)?,
            other => candle_core::bail!("tensor {name} has type {other:?}"),
        })
    };
    let initial_raw = tensor("g0_raw")?;
    let mut model = header.config.model_after(header.step);
    let next = header.config.settings(header.config.phase_of(header.step)).units;
    if initial_raw.dims() == [next] {
        // Units of the next phase are there already, where its first step then failed.
        model.units = next;
    }
    let shapes = crate::parameters::layer_shapes(&model);
    let mut layers = Vec::new();
    for (number, (inputs, outputs)) in shapes.into_iter().enumerate() {
        let (weight, bias) = (tensor(&format!("mlp.{number}.weight"))?, tensor(&format!("mlp.{number}.bias"))?);
        if weight.dims() != [outputs, inputs] || bias.dims() != [outputs] {
            candle_core::bail!("layer {number} is {:?}, should be [{outputs}, {inputs}]", weight.dims());
        }
        layers.push((weight, bias));
    }
    if initial_raw.dims() != [model.units] {
        candle_core::bail!("g0_raw is {:?}, should be [{}]", initial_raw.dims(), model.units);
    }
    let parameters = Parameters { initial_raw, layers, trainable_initial_state: header.config.model.trainable_initial_state };
    let mut moments = Vec::new();
    for (name, var) in parameters.named() {
        let (first, second) = (get(&format!("adamw.first.{name}"))?, get(&format!("adamw.second.{name}"))?);
        if first.shape() != var.dims() || second.shape() != var.dims() {
            candle_core::bail!("moments of {name} do not have its shape");
        }
        moments.push(match first.dtype() {
            Dtype::F32 => Moments::F32 { first: floats32(first.data()), second: floats32(second.data()) },
            _ => Moments::F64 { first: floats64(first.data()), second: floats64(second.data()) },
        });
    }
    Ok(Checkpoint { header, parameters, optimizer: AdamW { moments } })
}

fn floats32(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn floats64(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
}
