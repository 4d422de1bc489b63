//! What the paths of all files are in sum, before any activity is read: arenas, extents, how much there is.

use super::error::ImportError;
use super::mapping::Mapping;
use super::moments::{MomentReader, Moments};
use super::source::Source;
use crate::name::check_name;
use std::ops::ControlFlow;
use std::sync::Arc;

/// One arena's positions in sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Surveyed {
    /// Label; `None` where files have none.
    pub label: Option<Arc<str>>,
    /// Files, by their place, that have moments of it.
    pub files: Vec<usize>,
    /// Moments with a position.
    pub moments: u64,
    /// Least position (x, y), m.
    pub least_m: [f64; 2],
    /// Largest position (x, y), m.
    pub most_m: [f64; 2],
}

/// A file's own count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileCount {
    /// Moments with a position.
    pub moments: u64,
    /// Moments without, left out.
    pub dropped: u64,
}

/// All files in sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// In the order in which the files have them.
    pub arenas: Vec<Surveyed>,
    /// In the files' order.
    pub files: Vec<FileCount>,
}

/// Most arenas of an import; each is read on its own.
const MOST_ARENAS: usize = 1000;

/// Looks at all positions, in the order of the files; `seen` is told the moments of each batch, and may end the survey: then there is none.
///
/// # Errors
/// What the files' readers refuse; a file without moments; a label that cannot name an arena.
pub fn survey(
    sources: &[Source],
    mapping: &Mapping,
    mut seen: impl FnMut(usize) -> ControlFlow<()>,
) -> Result<Option<Survey>, ImportError> {
    let (mut arenas, mut files): (Vec<Surveyed>, Vec<FileCount>) = (Vec::new(), Vec::new());
    for (file, source) in sources.iter().enumerate() {
        let mut reader = MomentReader::new(source, mapping, false)?;
        let mut count = FileCount::default();
        for moments in reader.by_ref() {
            let moments = moments?;
            add(&mut arenas, file, source, &moments)?;
            count.moments += moments.len() as u64;
            if seen(moments.len()).is_break() {
                return Ok(None);
            }
        }
        count.dropped = reader.dropped();
        if count.moments == 0 {
            let reason = if count.dropped == 0 { "holds no rows" } else { "holds no moment with a position" };
            return Err(ImportError::data(source.path(), format!("{reason}; leave the file out")));
        }
        files.push(count);
    }
    Ok(Some(Survey { arenas, files }))
}

fn add(arenas: &mut Vec<Surveyed>, file: usize, source: &Source, moments: &Moments) -> Result<(), ImportError> {
    let mut current: Option<usize> = None;
    for (label, position_m) in moments.arena.iter().zip(&moments.position_m) {
        let place =
            current.filter(|place| arenas[*place].label == *label).or_else(|| arenas.iter().position(|arena| arena.label == *label));
        let place = if let Some(place) = place {
            place
        } else {
            if let Some(label) = label {
                check_name(label).map_err(|message| {
                    ImportError::data(source.path(), format!("an arena's label {message}; rename it, or set arena.column to \"none\""))
                })?;
            }
            if arenas.len() == MOST_ARENAS {
                return Err(ImportError::data(source.path(), format!("has more than {MOST_ARENAS} arenas; set arena.column to \"none\"")));
            }
            arenas.push(Surveyed {
                label: label.clone(),
                files: Vec::new(),
                moments: 0,
                least_m: [f64::INFINITY; 2],
                most_m: [f64::NEG_INFINITY; 2],
            });
            arenas.len() - 1
        };
        current = Some(place);
        let arena = &mut arenas[place];
        if arena.files.last() != Some(&file) {
            arena.files.push(file);
        }
        arena.moments += 1;
        for ((least, most), place) in arena.least_m.iter_mut().zip(&mut arena.most_m).zip(position_m) {
            (*least, *most) = (least.min(*place), most.max(*place));
        }
    }
    Ok(())
}
