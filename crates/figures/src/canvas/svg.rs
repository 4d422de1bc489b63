//! Vectors: an SVG backend for plotters in millimetres.
//!
//! plotters' own SVG backend sizes pages in screen pixels, enlarges every bitmap to one value per dot and gives it a
//! media type (`data:png`) that viewers refuse; this one embeds a heat map at one pixel per bin with its palette.

use std::fmt::Write as _;

use plotters::style::{Color, RGBColor};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingBackend, DrawingErrorKind};

use super::{Cells, Label, Surface, base64};
use crate::font::{FAMILIES, Weight, printable};
use crate::page::Page;
use crate::{FigureError, png_file};

/// An SVG document under construction.
pub(crate) struct Svg {
    document: String,
    size: (u32, u32),
}

type Outcome = Result<(), DrawingErrorKind<std::fmt::Error>>;

impl Svg {
    /// Starts a white page whose user unit is one dot. Spaces are kept: a stretch of text after an index starts with one.
    pub(crate) fn new(page: Page, title: &str) -> Self {
        let size = page.size();
        let document = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{}mm\" height=\"{}mm\" \
             viewBox=\"0 0 {} {}\" font-family=\"{FAMILIES}\" role=\"img\" xml:space=\"preserve\">\n<title>{}</title>\n\
             <rect width=\"{}\" height=\"{}\" fill=\"#ffffff\"/>\n",
            rounded(page.width_mm),
            rounded(page.height_mm),
            size.0,
            size.1,
            escaped(title),
            size.0,
            size.1,
        );
        Self { document, size }
    }

    /// The finished document.
    pub(crate) fn finish(mut self) -> String {
        self.document.push_str("</svg>\n");
        self.document
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) -> Outcome {
        self.document.write_fmt(element).map_err(DrawingErrorKind::DrawingError)
    }

    fn image(&mut self, from: (i32, i32), to: (i32, i32), cells: &Cells, rendering: &str) -> Result<(), FigureError> {
        let data = base64::encode(&png_file::encode_cells(cells)?);
        self.element(format_args!(
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" {rendering}\
             xlink:href=\"data:image/png;base64,{data}\"/>\n",
            from.0,
            from.1,
            to.0 - from.0,
            to.1 - from.1,
        ))
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) -> Result<(), FigureError> {
        self.push(element).map_err(|error| super::render_error(&error))
    }
}

/// Three decimals are a hundredth of a dot at any size used here, and keep numbers short.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// A paint attribute (`fill` or `stroke`), with its opacity where it is not opaque.
fn paint(kind: &str, color: BackendColor) -> String {
    let (red, green, blue) = color.rgb;
    let opacity = if color.alpha < 1.0 { format!(" {kind}-opacity=\"{}\"", rounded(color.alpha)) } else { String::new() };
    format!("{kind}=\"#{red:02x}{green:02x}{blue:02x}\"{opacity}")
}

/// Text for an element or an attribute.
fn escaped(text: &str) -> String {
    let text: String = text.chars().map(printable).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn points(path: impl IntoIterator<Item = BackendCoord>) -> String {
    let mut text = String::new();
    for (x, y) in path {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&x.to_string());
        text.push(',');
        text.push_str(&y.to_string());
    }
    text
}

impl DrawingBackend for Svg {
    type ErrorType = std::fmt::Error;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Outcome {
        Ok(())
    }

    fn present(&mut self) -> Outcome {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Outcome {
        self.push(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"1\" height=\"1\" {}/>\n", paint("fill", color)))
    }

    fn draw_rect<T: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &T, fill: bool) -> Outcome {
        let paint = if fill {
            paint("fill", style.color())
        } else {
            format!("fill=\"none\" {} stroke-width=\"{}\"", paint("stroke", style.color()), style.stroke_width())
        };
        self.push(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {paint}/>\n",
            from.0,
            from.1,
            to.0 - from.0,
            to.1 - from.1
        ))
    }

    fn draw_line<T: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &T) -> Outcome {
        self.draw_path([from, to], style)
    }

    fn draw_path<T: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &T) -> Outcome {
        self.push(format_args!(
            "<polyline points=\"{}\" fill=\"none\" {} stroke-width=\"{}\" stroke-linejoin=\"round\"/>\n",
            points(path),
            paint("stroke", style.color()),
            style.stroke_width(),
        ))
    }

    fn draw_circle<T: BackendStyle>(&mut self, centre: BackendCoord, radius: u32, style: &T, fill: bool) -> Outcome {
        let paint = if fill {
            paint("fill", style.color())
        } else {
            format!("fill=\"none\" {} stroke-width=\"{}\"", paint("stroke", style.color()), style.stroke_width())
        };
        self.push(format_args!("<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\" {paint}/>\n", centre.0, centre.1))
    }

    fn fill_polygon<T: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &T) -> Outcome {
        self.push(format_args!("<polygon points=\"{}\" {}/>\n", points(path), paint("fill", style.color())))
    }
}

impl Surface for Svg {
    fn cells(&mut self, from: (i32, i32), to: (i32, i32), cells: &Cells) -> Result<(), FigureError> {
        // Bins keep their edges at any size.
        self.image(from, to, cells, "image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\" ")
    }

    fn raster(&mut self, from: (i32, i32), to: (i32, i32), cells: &Cells) -> Result<(), FigureError> {
        self.image(from, to, cells, "")
    }

    /// One element per run with its own place and length, since readers differ in how they count raised stretches. A
    /// reader without the font or its metric twins squeezes its own font into the width that the layout counted on.
    fn label(&mut self, label: &Label<'_>) -> Result<(), FigureError> {
        let (x, y) = label.at;
        let weight = if label.style.weight == Weight::Bold { " font-weight=\"bold\"" } else { "" };
        let turn = if label.style.upwards { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
        let RGBColor(red, green, blue) = label.style.color;
        for run in label.placed().into_iter().filter(|run| !run.text.is_empty()) {
            self.element(format_args!(
                "<text x=\"{}\" y=\"{}\" font-size=\"{}\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\" \
                 fill=\"#{red:02x}{green:02x}{blue:02x}\"{weight}{turn}>{}</text>\n",
                rounded(f64::from(x) + run.start),
                rounded(f64::from(y) - run.rise),
                rounded(run.em),
                rounded(run.width),
                escaped(run.text),
            ))?;
        }
        Ok(())
    }

    fn outline(&mut self, from: (i32, i32), to: (i32, i32), width: u32, color: RGBColor) -> Result<(), FigureError> {
        self.draw_rect(from, to, &Color::stroke_width(&color, width), false).map_err(|error| super::render_error(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(escaped("a<b & \"c\""), "a&lt;b &amp; &quot;c&quot;");
        assert_eq!(escaped("two\nlines\0"), "two lines ", "XML has no place for control characters");
    }
}
