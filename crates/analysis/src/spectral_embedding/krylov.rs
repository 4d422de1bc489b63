//! Block Lanczos on a filtered operator: the space spanned by a block and its images, kept orthonormal, and the operator's best eigenvectors in it.

use super::basis::{Extension, combine, extend};
use gridlake_space::seed::Stream;
use linfa_linalg::Order;
use linfa_linalg::eigh::{EigSort, EighInto};
use ndarray::{Array2, s};

/// An orthonormal basis in blocks.
pub(super) struct Krylov {
    /// The first is what all others are orthogonal to and which is no part of the space; the last has no image yet.
    blocks: Vec<Array2<f64>>,
    /// The operator within all blocks between.
    projected: Array2<f64>,
    /// Products of the last image's part outside of the space.
    rest: Array2<f64>,
}

impl Krylov {
    /// `start` is orthonormal, and orthogonal to `outside`.
    pub(super) fn new(outside: Array2<f64>, start: Array2<f64>) -> Self {
        let width = start.ncols();
        Self { blocks: vec![outside, start], projected: Array2::zeros((0, 0)), rest: Array2::zeros((width, width)) }
    }

    pub(super) fn last(&self) -> &Array2<f64> {
        &self.blocks[self.blocks.len() - 1]
    }

    /// Columns of all blocks that have an image.
    pub(super) fn columns(&self) -> usize {
        self.projected.nrows()
    }

    /// Takes the last block's image. `None` where it is not finite.
    pub(super) fn push(&mut self, image: Array2<f64>, stream: &mut Stream) -> Option<()> {
        let Extension { block, along, rest } = extend(&self.blocks, image, stream)?;
        let (outside, width) = (self.blocks[0].ncols(), block.ncols());
        let (old, new) = (self.columns(), self.columns() + width);
        let mut projected = Array2::zeros((new, new));
        projected.slice_mut(s![..old, ..old]).assign(&self.projected);
        projected.slice_mut(s![.., old..]).assign(&along.slice(s![outside.., ..]));
        let above = along.slice(s![outside..outside + old, ..]);
        projected.slice_mut(s![old.., ..old]).assign(&above.t());
        let corner = projected.slice(s![old.., old..]).to_owned();
        projected.slice_mut(s![old.., old..]).assign(&((&corner + &corner.t()) * 0.5));
        (self.projected, self.rest) = (projected, rest);
        self.blocks.push(block);
        Some(())
    }

    /// Vectors in columns of the operator's `count` largest eigenvalues within the space, and ‖P u - θ u‖ of each: combinations of the basis' columns, which
    /// [`Self::vectors`] makes. `None` where the library's dense eigensolver fails.
    pub(super) fn best(&self, count: usize) -> Option<(Array2<f64>, Vec<f64>)> {
        let (_, axes) = self.projected.clone().eigh_into().ok()?.sort_eig(Order::Largest);
        let axes = axes.slice(s![.., ..count]).to_owned();
        let tail = axes.slice(s![self.columns() - self.rest.nrows().., ..]);
        let residuals = tail.columns().into_iter().map(|tail| tail.dot(&self.rest.dot(&tail)).max(0.0).sqrt()).collect();
        Some((axes, residuals))
    }

    /// Columns of the space by their weights.
    pub(super) fn vectors(&self, axes: &Array2<f64>) -> Array2<f64> {
        combine(&self.blocks[1..self.blocks.len() - 1], axes)
    }
}
