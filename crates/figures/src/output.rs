//! Rendering to memory and writing both files, each whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::FigureError;
use crate::canvas::{Bitmap, Canvas, Svg};
use crate::page::Page;
use crate::png_file;

/// Something that can be drawn on any surface.
pub(crate) trait Figure {
    /// The size of the page.
    fn page(&self) -> Page;
    /// What an SVG reader shows as its title.
    fn title(&self) -> &str;
    /// Draws everything.
    fn draw<S: crate::canvas::Surface>(&self, canvas: &mut Canvas<S>) -> Result<(), FigureError>;
}

/// Renders PNG and SVG in memory, then writes `<out_stem>.png` and `<out_stem>.svg`; returns the two paths.
pub(crate) fn write_figure(figure: &impl Figure, out_stem: &Path) -> Result<Vec<PathBuf>, FigureError> {
    let files = [(with_suffix(out_stem, ".png"), render_png(figure)?), (with_suffix(out_stem, ".svg"), render_svg(figure)?)];
    for (path, bytes) in &files {
        write_atomic(path, bytes).map_err(|source| FigureError::Io { path: path.clone(), source })?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

fn render_png(figure: &impl Figure) -> Result<Vec<u8>, FigureError> {
    let page = figure.page();
    let (width, height) = page.size();
    let mut buffer = vec![255_u8; width as usize * height as usize * 3];
    figure.draw(&mut Canvas::new(Bitmap::new(&mut buffer, (width, height)), page))?;
    png_file::encode_rgb(&buffer, (width, height), page.dpi)
}

fn render_svg(figure: &impl Figure) -> Result<Vec<u8>, FigureError> {
    let page = figure.page();
    let mut canvas = Canvas::new(Svg::new(page, figure.title()), page);
    figure.draw(&mut canvas)?;
    Ok(canvas.into_surface().finish().into_bytes())
}

/// Appends a suffix, keeping dots that are part of the name (`ratemaps-box-2.5m`).
fn with_suffix(stem: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(stem.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

/// Writes a hidden file beside `path`, syncs it and renames it; a reader sees the old file or the new one.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    fs::create_dir_all(folder)?;
    let mut temporary_name = OsString::from(".tmp-");
    temporary_name.push(name);
    temporary_name.push(format!("-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    let temporary = folder.join(temporary_name);
    let written = write_synced(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report; a temporary file that is already gone is what we want.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    File::open(folder)?.sync_all()
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_in_the_stem_stays() {
        assert_eq!(with_suffix(Path::new("a/ratemaps-box-2.5m"), ".png"), Path::new("a/ratemaps-box-2.5m.png"));
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let blocked = folder.path().join("taken.png");
        fs::create_dir(&blocked)?;
        assert!(write_atomic(&blocked, b"x").is_err(), "a folder cannot be replaced by a file");
        let left: Vec<_> = fs::read_dir(folder.path())?.collect::<Result<_, _>>()?;
        assert_eq!(left.len(), 1, "only the blocking folder is left: {left:?}");
        Ok(())
    }
}
