//! Bytes inside JSON: deflated, then base64. The browser's own DecompressionStream undoes it.

use std::io::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::Map;

/// Raw deflate (RFC 1951), then base64.
pub(super) fn pack(bytes: &[u8]) -> io::Result<String> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(STANDARD.encode(encoder.finish()?))
}

/// A map's codes as they are packed: the first half of a map that a half turn leaves as it is, else all; each byte as
/// its difference to the one before, modulo 256, since neighbouring bins are alike.
pub(super) fn map_bytes(map: &Map) -> Vec<u8> {
    let kept = if map.is_point_symmetric() { map.codes.len().div_ceil(2) } else { map.codes.len() };
    let mut before = 0_u8;
    map.codes[..kept].iter().map(|&code| code.wrapping_sub(std::mem::replace(&mut before, code))).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::DeflateDecoder;
    use ndarray::Array2;

    use super::*;

    /// What the page's script does, in the open.
    fn unpack(text: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let mut bytes = Vec::new();
        DeflateDecoder::new(STANDARD.decode(text)?.as_slice()).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn restore(map: &Map, bytes: &[u8]) -> Vec<u8> {
        let mut codes: Vec<u8> = bytes
            .iter()
            .scan(0_u8, |code, &difference| {
                *code = code.wrapping_add(difference);
                Some(*code)
            })
            .collect();
        for index in codes.len()..map.rows * map.columns {
            codes.push(codes[map.rows * map.columns - 1 - index]);
        }
        codes
    }

    #[test]
    fn maps_come_back_whole_and_halved() -> Result<(), Box<dyn std::error::Error>> {
        let waves = |symmetric: bool| {
            let values = Array2::from_shape_fn((9, 9), |(row, column)| {
                let wave = ((row as f64 - 4.0) * 0.8 + (column as f64 - 4.0) * 0.3 + if symmetric { 0.0 } else { 0.4 }).cos();
                if row == 0 && column == 0 || row == 8 && column == 8 { f64::NAN } else { wave }
            });
            Map::with_range(values.view(), [1.0, 1.0], (-1.0, 1.0))
        };
        for (map, kept) in [(waves(true), 41), (waves(false), 81)] {
            let bytes = map_bytes(&map);
            assert_eq!(bytes.len(), kept);
            assert_eq!(restore(&map, &unpack(&pack(&bytes)?)?), map.codes);
        }
        assert_eq!(unpack(&pack(&[])?)?, Vec::<u8>::new());
        Ok(())
    }
}
