//! Texts: how they look, how wide they are, what fits.

use plotters::style::RGBColor;

use crate::font::{self, Weight};
use crate::number;
use crate::page::MM_PER_PT;

/// Where a text's anchor lies on its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextStyle {
    pub(crate) pt: f64,
    pub(crate) weight: Weight,
    pub(crate) anchor: Anchor,
    /// Reads from bottom to top.
    pub(crate) upwards: bool,
    pub(crate) color: RGBColor,
}

impl TextStyle {
    pub(crate) fn new(pt: f64, color: RGBColor) -> Self {
        Self { pt, weight: Weight::Regular, anchor: Anchor::Start, upwards: false, color }
    }

    pub(crate) fn bold(self) -> Self {
        Self { weight: Weight::Bold, ..self }
    }

    pub(crate) fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub(crate) fn upwards(self) -> Self {
        Self { upwards: true, ..self }
    }

    /// Width of a text in millimetres.
    pub(crate) fn width_mm(self, text: &str) -> f64 {
        font::width(text, self.weight, self.pt * MM_PER_PT)
    }

    /// The text, or as much of it as fits into `width_mm` with an ellipsis.
    pub(crate) fn shortened(self, text: &str, width_mm: f64) -> String {
        if self.width_mm(text) <= width_mm {
            return text.to_owned();
        }
        let ends: Vec<usize> = text.char_indices().map(|(end, _)| end).collect();
        let shorter = |end: usize| format!("{}…", text[..end].trim_end());
        let fitting = ends.partition_point(|&end| self.width_mm(&shorter(end)) <= width_mm);
        shorter(ends[fitting.saturating_sub(1)])
    }

    /// The text in lines of at most `width_mm`, broken at spaces, but never within `x = 0.15 m` or `1 ± 2 m`; a stretch that
    /// is longer alone is shortened.
    pub(crate) fn wrapped(self, text: &str, width_mm: f64) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in unbroken(text) {
            match lines.last_mut() {
                Some(line) if self.width_mm(&format!("{line} {word}")) <= width_mm => {
                    line.push(' ');
                    line.push_str(&word);
                }
                _ => lines.push(word),
            }
        }
        lines.iter().map(|line| self.shortened(line, width_mm)).collect()
    }

    /// Height of its capitals and figures in millimetres.
    pub(crate) fn cap_mm(self) -> f64 {
        self.pt * MM_PER_PT * font::CAP_HEIGHT_EM
    }
}

/// What stands after a number and stays with it.
const UNITS: [&str; 11] = ["m", "mm", "cm", "s", "ms", "Hz", "%", "°", "rad", "m²", "cycles/m"];

/// Words, with those that belong together as one: around an equals or plus-minus sign, and a number with the word before
/// it and its unit (`seed 1`, `2 m`).
fn unbroken(text: &str) -> Vec<String> {
    let is_sign = |word: &str| matches!(word, "=" | "±" | "<" | "≤" | "×");
    let mut words: Vec<String> = Vec::new();
    let mut previous = "";
    for word in text.split(' ') {
        let unit = UNITS.contains(&word.trim_end_matches([',', '.', ';', ':', ')']));
        let after_number = previous.ends_with(|character: char| character.is_ascii_digit());
        let number = word.starts_with(|character: char| character.is_ascii_digit()) && previous.ends_with(char::is_alphabetic);
        match words.last_mut() {
            Some(last) if is_sign(word) || is_sign(previous) || (unit && after_number) || number => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        previous = word;
    }
    words
}

/// Where a stretch of a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Height {
    Baseline,
    /// An exponent.
    Raised,
    /// An index.
    Lowered,
}

/// A stretch of a text: on the baseline, a raised exponent or a lowered index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) text: String,
    height: Height,
}

impl Run {
    pub(crate) fn plain(text: String) -> Self {
        Self { text, height: Height::Baseline }
    }

    pub(crate) fn raised(text: String) -> Self {
        Self { text, height: Height::Raised }
    }

    /// A text in which `σ_x` (one letter, an underscore, up to three letters or figures, up to six after a Greek one) becomes a letter with an index; any
    /// other underscore stays, since it is part of a name.
    pub(crate) fn marked(text: &str) -> Vec<Self> {
        let characters: Vec<char> = text.chars().collect();
        let (mut runs, mut plain) = (Vec::new(), String::new());
        let mut at = 0;
        while at < characters.len() {
            let index = index_length(&characters, at);
            if index > 0 {
                runs.push(Self::plain(std::mem::take(&mut plain)));
                runs.push(Self { text: characters[at + 1..=at + index].iter().collect(), height: Height::Lowered });
                at += 1 + index;
            } else {
                plain.push(characters[at]);
                at += 1;
            }
        }
        if !plain.is_empty() || runs.is_empty() {
            runs.push(Self::plain(plain));
        }
        runs
    }

    /// What an axis or a bar says: its label and, unless it is 0, the power of ten that all its numbers share.
    pub(crate) fn with_power(label: &str, exponent: i32) -> Vec<Self> {
        if exponent == 0 {
            return Self::marked(label);
        }
        let power = number::signed(f64::from(exponent), 0);
        let mut runs = Self::marked(&format!("{label} (10"));
        runs.extend([Self::raised(power), Self::plain(")".to_owned())]);
        runs
    }
}

/// How many characters after the underscore at `at` are an index of the single letter before it; 0 if none are.
fn index_length(characters: &[char], at: usize) -> usize {
    let letter_before =
        at > 0 && characters[at - 1].is_alphabetic() && (at < 2 || !(characters[at - 2].is_alphanumeric() || characters[at - 2] == '_'));
    if characters[at] != '_' || !letter_before {
        return 0;
    }
    let length = characters[at + 1..].iter().take_while(|character| character.is_alphanumeric()).count();
    let ends = characters.get(at + 1 + length) != Some(&'_');
    // Names of runs and files begin with Latin letters, and are no symbols.
    let longest = if characters[at - 1].is_ascii() { 3 } else { 6 };
    if ends && length <= longest { length } else { 0 }
}

/// Exponents are hardly smaller than their base, so that they too are legible in print.
const RAISED_SIZE: f64 = 0.92;
/// How far exponents stand above the baseline, as a share of the em.
const RAISED_BY: f64 = 0.42;
/// Size and depth of indices, as shares of the em.
const LOWERED_SIZE: f64 = 0.8;
const LOWERED_BY: f64 = 0.2;

/// A text in dots: the anchor on the baseline, and the em.
pub(crate) struct Label<'a> {
    pub(crate) runs: &'a [Run],
    pub(crate) at: (i32, i32),
    pub(crate) em: f64,
    pub(crate) style: TextStyle,
}

/// A run of a label, in dots along its line.
pub(crate) struct PlacedRun<'a> {
    pub(crate) text: &'a str,
    /// From the label's place to the start of the run.
    pub(crate) start: f64,
    pub(crate) width: f64,
    pub(crate) em: f64,
    /// How far the run stands above the baseline; negative below it.
    pub(crate) rise: f64,
}

impl Label<'_> {
    /// Every run with its place.
    pub(crate) fn placed(&self) -> Vec<PlacedRun<'_>> {
        let mut end = 0.0;
        let mut placed: Vec<PlacedRun<'_>> = Vec::with_capacity(self.runs.len());
        for run in self.runs {
            let (em, rise) = match run.height {
                Height::Baseline => (self.em, 0.0),
                Height::Raised => (self.em * RAISED_SIZE, self.em * RAISED_BY),
                Height::Lowered => (self.em * LOWERED_SIZE, -self.em * LOWERED_BY),
            };
            let width = font::width(&run.text, self.style.weight, em);
            placed.push(PlacedRun { text: &run.text, start: end, width, em, rise });
            end += width;
        }
        let shift = match self.style.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => end / 2.0,
            Anchor::End => end,
        };
        for run in &mut placed {
            run.start -= shift;
        }
        placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::INK;

    #[test]
    fn a_shortened_text_fits_and_says_that_it_is_shortened() {
        let style = TextStyle::new(7.0, INK);
        let long = "a title of many words ".repeat(500);
        for width in [3.0, 20.0, 81.0] {
            let short = style.shortened(&long, width);
            assert!(short.ends_with('…') && style.width_mm(&short) <= width, "{short} in {width} mm");
            assert!(style.width_mm(&short) > width - 3.5, "{short} in {width} mm");
        }
        assert_eq!(style.shortened("short", 20.0), "short");
        assert_eq!(style.shortened("short", 0.0), "…");
    }

    #[test]
    fn wrapped_lines_fit_and_keep_every_word() {
        let style = TextStyle::new(6.5, INK);
        let lines = style.wrapped("step 15,000: T = 30, B = 28, learning rate 0.0005", 30.0);
        assert!(lines.len() > 1 && lines.iter().all(|line| style.width_mm(line) <= 30.0), "{lines:?}");
        assert_eq!(lines.join(" "), "step 15,000: T = 30, B = 28, learning rate 0.0005");
    }

    #[test]
    fn numbers_keep_their_names_and_units() {
        let style = TextStyle::new(6.5, INK);
        for width in [18.0, 22.0, 26.0, 40.0] {
            let lines = style.wrapped("T = 30, σ_x = 0.15 m, period 0.52 ± 0.01 m", width);
            assert!(lines.iter().any(|line| line.contains("σ_x = 0.15 m,")), "{width}: {lines:?}");
            assert!(!lines.iter().any(|line| line.starts_with(['=', '±', 'm'])), "{width}: {lines:?}");
        }
    }

    #[test]
    fn underscores_become_indices_or_stay() {
        let written = |text| Run::marked(text).into_iter().map(|run| (run.text, run.height)).collect::<Vec<_>>();
        let (base, low) = (Height::Baseline, Height::Lowered);
        assert_eq!(written("B = 2, σ_x = 1"), [("B = 2, σ".to_owned(), base), ("x".to_owned(), low), (" = 1".to_owned(), base)]);
        assert_eq!(written("λ_ConIso"), [("λ".to_owned(), base), ("ConIso".to_owned(), low)]);
        assert_eq!(written("a_ConIso"), [("a_ConIso".to_owned(), base)]);
        assert_eq!(written("train.loss.lambda_cap"), [("train.loss.lambda_cap".to_owned(), base)]);
        assert_eq!(written("k_"), [("k_".to_owned(), base)]);
        assert_eq!(written("a_b_c"), [("a_b_c".to_owned(), base)]);
        assert_eq!(written(""), [(String::new(), base)]);
    }

    #[test]
    fn runs_follow_each_other_around_their_anchor() {
        let runs = Run::with_power("Rate", -4);
        let label = |anchor| Label { runs: &runs, at: (0, 0), em: 10.0, style: TextStyle::new(6.5, INK).anchored(anchor) };
        let total: f64 = label(Anchor::Start).placed().iter().map(|run| run.width).sum();
        for (anchor, start) in [(Anchor::Start, 0.0), (Anchor::Middle, -total / 2.0), (Anchor::End, -total)] {
            let label = label(anchor);
            let placed = label.placed();
            assert!((placed[0].start - start).abs() < 1e-9);
            assert!(placed.windows(2).all(|pair| (pair[0].start + pair[0].width - pair[1].start).abs() < 1e-9));
            assert!(placed[1].rise > 0.0 && placed[2].rise == 0.0);
        }
    }
}
