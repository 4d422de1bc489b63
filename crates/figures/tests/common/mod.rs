//! What the tests of several figures share.

use std::fs;
use std::path::PathBuf;

/// A text of an SVG: left, top, right, bottom in dots, and what it says.
#[derive(Debug)]
struct Text {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    words: String,
}

fn attribute(element: &str, name: &str) -> Option<f64> {
    element.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0.parse().ok()
}

/// All texts of an SVG, upright or turned.
fn texts(svg: &str) -> Vec<Text> {
    let text = |line: &str| {
        let (x, y) = (attribute(line, "x")?, attribute(line, "y")?);
        let (size, width) = (attribute(line, "font-size")?, attribute(line, "textLength")?);
        let words = line.split_once('>')?.1.split_once('<')?.0.to_owned();
        let Some((_, turn)) = line.split_once("rotate(-90 ") else {
            return Some(Text { left: x, top: y - 0.7 * size, right: x + width, bottom: y, words });
        };
        // Around its anchor, what lies to the right comes to lie above.
        let mut anchor = turn.split([' ', ')']).map_while(|number| number.parse::<f64>().ok());
        let (anchor_x, anchor_y) = (anchor.next()?, anchor.next()?);
        let (along, across) = (x - anchor_x, y - anchor_y);
        let (left, bottom) = (anchor_x + across - 0.7 * size, anchor_y - along);
        Some(Text { left, top: bottom - width, right: anchor_x + across, bottom, words })
    };
    svg.lines().filter(|line| line.starts_with("<text")).filter_map(text).collect()
}

/// Checks that texts neither overlap nor leave the page, and that nothing undefined reaches the drawing.
pub(crate) fn check(files: &[PathBuf]) -> Result<(), Box<dyn std::error::Error>> {
    check_with_names(files, &[])
}

/// As [`check`]; texts that are one of these names are written as they are typed, and no other has an underscore.
pub(crate) fn check_with_names(files: &[PathBuf], names: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    let svg = fs::read_to_string(&files[1])?;
    assert!(fs::metadata(&files[0])?.len() > 1000);
    let page = svg.lines().find(|line| line.starts_with("<svg")).ok_or("no page")?;
    let size: Vec<f64> =
        page.split_once("viewBox=\"").ok_or("no size")?.1.split(['"', ' ']).map_while(|number| number.parse().ok()).collect();
    let texts = texts(&svg);
    assert!(texts.len() > 5);
    for (index, one) in texts.iter().enumerate() {
        assert!(one.left >= 0.0 && one.top >= 0.0 && one.right <= size[2] && one.bottom <= size[3], "{one:?} leaves the page");
        assert!(!one.words.contains("NaN") && !one.words.contains("inf"), "{one:?}");
        assert!(!one.words.contains('_') || names.contains(&one.words.as_str()), "{one:?}");
        for other in &texts[..index] {
            let apart = one.left >= other.right - 2.0
                || other.left >= one.right - 2.0
                || one.top >= other.bottom - 2.0
                || other.top >= one.bottom - 2.0;
            assert!(apart, "{one:?} overlaps {other:?} in {}", files[1].display());
        }
    }
    Ok(())
}
