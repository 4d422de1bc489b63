//! PNG encoding: whole pages with their print resolution, and small palette images for embedding in SVG.

use crate::FigureError;
use crate::canvas::Cells;

/// Encodes RGB rows, top row first, with the resolution in the file, so that print programs see millimetres.
pub(crate) fn encode_rgb(rgb: &[u8], (width, height): (u32, u32), dpi: f64) -> Result<Vec<u8>, FigureError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Rows repeat within a bin, so "difference to the row above" compresses best and fast.
    encoder.set_filter(png::FilterType::Up);
    encoder.set_compression(png::Compression::Default);
    let per_metre = (dpi / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter }));
    finish(encoder, rgb)?;
    Ok(bytes)
}

/// Encodes a heat map at one pixel per bin with its palette.
pub(crate) fn encode_cells(cells: &Cells) -> Result<Vec<u8>, FigureError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, cells.columns as u32, cells.rows as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(cells.palette.iter().flatten().copied().collect::<Vec<u8>>());
    encoder.set_compression(png::Compression::Best);
    finish(encoder, &cells.levels)?;
    Ok(bytes)
}

fn finish(encoder: png::Encoder<'_, &mut Vec<u8>>, data: &[u8]) -> Result<(), FigureError> {
    let render = |error: png::EncodingError| FigureError::Render { message: format!("PNG encoder: {error}") };
    let mut writer = encoder.write_header().map_err(render)?;
    writer.write_image_data(data).map_err(render)?;
    writer.finish().map_err(render)
}
