//! Parameters on a GPU: all in one buffer, in the order of [`Parameters::named`].

use super::{Buffer, Queue};
use crate::error::ModelError;
use crate::ops::mlp::DeviceLayer;
use crate::parameters::{Parameters, with_values};
use candle_core::{Device, Tensor, Var};

/// Each parameter starts at a multiple of so many floats, so that rows can be read four at a time.
const ALIGNMENT: usize = 32;

/// Where each parameter is in the buffer; between them are zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlatLayout {
    /// Where each begins, and the end.
    offsets: Vec<usize>,
    shapes: Vec<Vec<usize>>,
    trainable_initial_state: bool,
}

impl FlatLayout {
    pub(crate) fn new(parameters: &Parameters) -> Self {
        let shapes: Vec<Vec<usize>> = parameters.named().iter().map(|(_, var)| var.dims().to_vec()).collect();
        let mut offsets = vec![0];
        for shape in &shapes {
            let size: usize = shape.iter().product();
            offsets.push(offsets[offsets.len() - 1] + size.next_multiple_of(ALIGNMENT));
        }
        Self { offsets, shapes, trainable_initial_state: parameters.trainable_initial_state }
    }

    /// The parameters' names.
    pub(crate) fn names(&self) -> Vec<String> {
        let layers = (0..self.shapes.len() / 2).flat_map(|number| [format!("mlp.{number}.weight"), format!("mlp.{number}.bias")]);
        std::iter::once("g0_raw".to_owned()).chain(layers).collect()
    }

    /// Floats in all.
    pub(crate) fn len(&self) -> usize {
        self.offsets[self.shapes.len()]
    }

    pub(crate) fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// First element that is trained: g₀ comes first, and may be fixed.
    pub(crate) fn trained_from(&self) -> usize {
        if self.trainable_initial_state { 0 } else { self.offsets[1] }
    }

    /// Addresses of the layers within a buffer of this layout.
    pub(crate) fn layers(&self, buffer: &Buffer<f32>) -> Vec<DeviceLayer> {
        (1..self.shapes.len())
            .step_by(2)
            .map(|number| DeviceLayer { weight: buffer.at(self.offsets[number]), bias: buffer.at(self.offsets[number + 1]) })
            .collect()
    }

    /// Lists, one per parameter, as one with zeros between them.
    pub(crate) fn gather<'a>(&self, lists: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
        let mut flat = vec![0.0; self.len()];
        for (list, offset) in lists.zip(&self.offsets) {
            flat[*offset..*offset + list.len()].copy_from_slice(list);
        }
        flat
    }

    /// The list of each parameter out of one.
    pub(crate) fn scatter<'a>(&'a self, flat: &'a [f32]) -> impl Iterator<Item = &'a [f32]> {
        self.shapes.iter().zip(&self.offsets).map(move |(shape, offset)| &flat[*offset..*offset + shape.iter().product::<usize>()])
    }
}

/// Parameters in device memory.
#[derive(Debug)]
pub(crate) struct FlatParameters {
    pub(crate) layout: FlatLayout,
    pub(crate) values: Buffer<f32>,
}

impl FlatParameters {
    /// Copies parameters from the host.
    pub(crate) fn new(queue: &Queue, parameters: &Parameters) -> Result<Self, ModelError> {
        let layout = FlatLayout::new(parameters);
        let mut values = queue.zeros(layout.len())?;
        let lists: Vec<Vec<f32>> =
            parameters.named().into_iter().map(|(_, var)| with_values(var, <[f32]>::to_vec)).collect::<candle_core::Result<_>>()?;
        queue.upload(&mut values, &layout.gather(lists.iter().map(Vec::as_slice)))?;
        Ok(Self { layout, values })
    }

    /// Copies them back.
    pub(crate) fn download(&self, queue: &Queue) -> Result<Parameters, ModelError> {
        let flat = queue.download(&self.values, self.layout.len())?;
        let mut vars = self.layout.scatter(&flat).zip(&self.layout.shapes).map(|(list, shape)| -> Result<Var, ModelError> {
            Ok(Var::from_tensor(&Tensor::from_slice(list, shape.as_slice(), &Device::Cpu)?)?)
        });
        let mut next = || vars.next().unwrap_or_else(|| unreachable!("the layout has g₀ and pairs of weights and biases"));
        let initial_raw = next()?;
        let layers = (1..self.layout.shapes.len()).step_by(2).map(|_| Ok((next()?, next()?))).collect::<Result<_, ModelError>>()?;
        Ok(Parameters { initial_raw, layers, trainable_initial_state: self.layout.trainable_initial_state })
    }

    pub(crate) fn layers(&self) -> Vec<DeviceLayer> {
        self.layout.layers(&self.values)
    }
}
