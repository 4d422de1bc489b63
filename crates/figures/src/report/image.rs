//! Pictures inside HTML.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A picture as it lies in a file.
#[derive(Debug, Clone)]
pub enum Image {
    /// The bytes of a PNG file.
    Png(Vec<u8>),
    /// The text of an SVG file. It is shown as a picture: its scripts do not run and its links load nothing.
    Svg(String),
}

impl Image {
    /// Whether it begins as files of its kind do.
    pub(super) fn is_plausible(&self) -> bool {
        match self {
            Self::Png(bytes) => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            Self::Svg(text) => text.contains("<svg"),
        }
    }

    /// Its size as a file, in bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Png(bytes) => bytes.len(),
            Self::Svg(text) => text.len(),
        }
    }

    /// Its `data:` address. SVG is percent-encoded: base64 would lengthen once more what is base64 inside it.
    pub(super) fn data_url(&self) -> String {
        match self {
            Self::Png(bytes) => format!("data:image/png;base64,{}", STANDARD.encode(bytes)),
            Self::Svg(text) => {
                let mut url = String::with_capacity(text.len() + text.len() / 4);
                url.push_str("data:image/svg+xml,");
                for &byte in text.as_bytes() {
                    let plain = byte.is_ascii_alphanumeric() || b" -_.~!*();/?:@=+$,".contains(&byte);
                    if plain {
                        url.push(char::from(byte));
                    } else {
                        // Writing to a String cannot fail.
                        let _ = write!(url, "%{byte:02X}");
                    }
                }
                url
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_svg_s_address_holds_nothing_that_ends_an_attribute() {
        let url = Image::Svg("<svg title=\"π & 100 % 'x' #1\"/>".into()).data_url();
        assert_eq!(url, "data:image/svg+xml,%3Csvg title=%22%CF%80 %26 100 %25 %27x%27 %231%22/%3E");
    }

    #[test]
    fn what_is_no_picture_is_seen() {
        assert!(Image::Png(b"\x89PNG\r\n\x1a\n...".to_vec()).is_plausible());
        assert!(!Image::Png(b"<svg/>".to_vec()).is_plausible() && !Image::Svg("text".into()).is_plausible());
    }
}
