//! Telling a watch about every few columns, and hearing whether to go on.

use super::error::HomologyError;
use super::options::{Progress, Watch};
use std::ops::ControlFlow;

/// For the columns of one dimension.
pub(super) struct Reporter<'a> {
    watch: Option<Watch<'a>>,
    dimension: usize,
    total: usize,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(watch: Option<Watch<'a>>, dimension: usize, total: usize) -> Self {
        Self { watch, dimension, total }
    }

    /// After `done` columns; and again while a column takes long.
    pub(super) fn tell(&self, done: usize) -> Result<(), HomologyError> {
        let Self { dimension, total, .. } = *self;
        match self.watch.map(|watch| watch(Progress { dimension, done, total })) {
            Some(ControlFlow::Break(())) => Err(HomologyError::Interrupted { dimension }),
            _ => Ok(()),
        }
    }
}
