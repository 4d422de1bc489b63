//! The part of a manifest that holds the files of one step.

use super::{Entry, SPLIT, read_form, replace};
use crate::error::LakeError;
use crate::layout::{self, Lake};
use crate::store::Tag;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The files of one step, of a run that has parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    format: u32,
    pub(super) files: BTreeMap<String, Entry>,
    #[serde(skip)]
    tag: Tag,
}

impl Part {
    /// Without files where there is none.
    pub(super) fn load(lake: &Lake, key: &str) -> Result<Self, LakeError> {
        let remedy = "remove it and run again: what is of this step is made anew, its checkpoint stays";
        let read = read_form::<Self>(lake, key, remedy)?;
        Ok(read.map_or_else(|| Self { format: SPLIT, files: BTreeMap::new(), tag: Tag::default() }, |(part, tag)| Self { tag, ..part }))
    }

    /// Whether it holds its step's files; one without files is about to be removed.
    pub(super) fn is_there(&self) -> bool {
        !self.files.is_empty()
    }

    /// Writes it with other files, unless another process has written it since it was read; removes it where none is left.
    pub(super) fn change(
        mut self,
        lake: &Lake,
        run: &str,
        key: &str,
        change: impl FnOnce(&mut BTreeMap<String, Entry>),
    ) -> Result<(), LakeError> {
        let before = self.files.clone();
        change(&mut self.files);
        if self.files != before {
            let tag = std::mem::take(&mut self.tag);
            replace(lake, run, key, &self, tag)?;
        }
        // Only after it was written without files, which is refused where another process has written it.
        if self.files.is_empty() { lake.store().remove(key) } else { Ok(()) }
    }
}

/// Keys of a run's parts, sorted.
pub(super) fn parts(lake: &Lake, run: &str) -> Result<Vec<String>, LakeError> {
    let folder = layout::manifest_parts(run);
    let names = lake.store().list(&folder)?.files.into_iter().map(|(name, _)| name);
    Ok(names.filter(|name| name.strip_suffix(".json").is_some()).map(|name| format!("{folder}/{name}")).collect())
}
