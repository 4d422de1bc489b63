//! NumPy arrays: the header, and numbers out of bytes.

/// Most bytes of a header; NumPy's own have some hundred.
const MOST_HEADER: usize = 1 << 16;

/// What an array's header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Number,
    pub(super) big_endian: bool,
    /// The first axis runs fastest.
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
}

/// The types that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Bool,
    Signed(usize),
    Unsigned(usize),
    Float(usize),
}

impl Number {
    /// Bytes of one.
    pub(super) fn bytes(self) -> usize {
        match self {
            Number::Bool => 1,
            Number::Signed(bytes) | Number::Unsigned(bytes) | Number::Float(bytes) => bytes,
        }
    }
}

impl Header {
    /// Reads the header off the array's bytes.
    ///
    /// # Errors
    /// What is wrong with it, in words; a system that refuses reads the same.
    pub(super) fn read(reader: &mut impl std::io::Read) -> Result<Self, String> {
        let mut start = [0; 8];
        let torn = |error: std::io::Error| format!("is torn or altered ({error})");
        reader.read_exact(&mut start).map_err(torn)?;
        if &start[..6] != b"\x93NUMPY" {
            return Err("is no NumPy array".to_owned());
        }
        let length = match start[6] {
            1 => {
                let mut length = [0; 2];
                reader.read_exact(&mut length).map_err(torn)?;
                usize::from(u16::from_le_bytes(length))
            }
            2 | 3 => {
                let mut length = [0; 4];
                reader.read_exact(&mut length).map_err(torn)?;
                u32::from_le_bytes(length) as usize
            }
            other => return Err(format!("has version {other} of NumPy's format; versions 1 to 3 can be read")),
        };
        if length > MOST_HEADER {
            return Err(format!("has a header of {length} bytes; it is altered, or has columns of its own, which cannot be read"));
        }
        let mut text = vec![0; length];
        reader.read_exact(&mut text).map_err(torn)?;
        let text = String::from_utf8(text).map_err(|_| "has a header that is no text".to_owned())?;
        Self::parse(&text)
    }

    /// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`.
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let altered = || format!("has a header that cannot be read: {:?}", text.chars().take(80).collect::<String>());
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).ok_or_else(altered)?;
        let value = |key: &str| {
            let at = inner.find(&format!("'{key}'"))?;
            Some(inner[at + key.len() + 2..].trim_start().strip_prefix(':')?.trim_start())
        };
        let descr = value("descr").ok_or_else(altered)?;
        let Some(descr) = descr.strip_prefix('\'').and_then(|rest| rest.split('\'').next()) else {
            return Err("has columns of its own (a structured array); save each of them as an array".to_owned());
        };
        let order = value("fortran_order").ok_or_else(altered)?;
        let fortran = if order.starts_with("True") {
            true
        } else if order.starts_with("False") {
            false
        } else {
            return Err(altered());
        };
        let axes = value("shape").and_then(|rest| rest.strip_prefix('(')?.split(')').next()).ok_or_else(altered)?;
        let axes = axes.split(',').map(str::trim).filter(|axis| !axis.is_empty());
        let shape: Vec<usize> =
            axes.map(|axis| axis.trim_end_matches('L').parse::<usize>().map_err(|_| altered())).collect::<Result<_, _>>()?;
        let (kind, big_endian) = number(descr)?;
        Ok(Self { kind, big_endian, fortran, shape })
    }

    /// Numbers in all; `None` where they are more than can be counted.
    pub(super) fn count(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |product, axis| product.checked_mul(*axis)).filter(|count| *count <= usize::MAX >> 4)
    }

    /// Appends the numbers that whole elements of `bytes` are.
    pub(super) fn decode(&self, bytes: &[u8], numbers: &mut Vec<f64>) {
        let size = self.kind.bytes();
        numbers.extend(bytes.chunks_exact(size).map(|element| {
            // Little-endian in the low bytes.
            let mut own = [0_u8; 8];
            for (place, byte) in element.iter().enumerate() {
                own[if self.big_endian { size - 1 - place } else { place }] = *byte;
            }
            let raw = u64::from_le_bytes(own);
            match (self.kind, size) {
                (Number::Bool, _) => f64::from(u8::from(raw != 0)),
                (Number::Float(_), 2) => half::f16::from_bits(raw as u16).to_f64(),
                (Number::Float(_), 4) => f64::from(f32::from_bits(raw as u32)),
                (Number::Float(_), _) => f64::from_bits(raw),
                (Number::Unsigned(_), _) => raw as f64,
                // Sign-extended from the highest byte.
                (Number::Signed(_), _) => ((raw << (64 - 8 * size)) as i64 >> (64 - 8 * size)) as f64,
            }
        }));
    }
}

/// The type that `descr` names, and whether its high byte comes first.
fn number(descr: &str) -> Result<(Number, bool), String> {
    let refuse = || {
        let more = match descr.trim_start_matches(['<', '>', '|', '=']).chars().next() {
            Some('O') => "Python objects, which only Python can read",
            Some('U' | 'S') => "text",
            Some('c') => "complex numbers",
            Some('M' | 'm') => "dates or durations",
            _ => "not known",
        };
        format!(
            "has elements of type {:?} ({more}); allowed: float16, float32, float64, integers, booleans",
            descr.chars().take(20).collect::<String>()
        )
    };
    let (order, rest) = if descr.starts_with(['<', '>', '|', '=']) { descr.split_at(1) } else { ("<", descr) };
    let (kind, size) = rest.split_at_checked(1).ok_or_else(refuse)?;
    let size: usize = size.parse().map_err(|_| refuse())?;
    let kind = match (kind, size) {
        ("b", 1) | ("?", _) => Number::Bool,
        ("i", 1 | 2 | 4 | 8) => Number::Signed(size),
        ("u", 1 | 2 | 4 | 8) => Number::Unsigned(size),
        ("f", 2 | 4 | 8) => Number::Float(size),
        _ => return Err(refuse()),
    };
    Ok((kind, order == ">"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Header, String> {
        Header::parse(text)
    }

    #[test]
    fn headers_are_read() {
        let header = parsed("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }          \n").unwrap();
        assert_eq!(header, Header { kind: Number::Float(8), big_endian: false, fortran: false, shape: vec![3, 4] });
        assert_eq!(parsed("{'descr': '>i2', 'fortran_order': True, 'shape': (5,), }").unwrap().shape, [5]);
        assert_eq!(parsed("{'descr': '|b1', 'fortran_order': False, 'shape': (), }").unwrap().count(), Some(1));
        assert_eq!(
            parsed("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999, 99999999999), }").unwrap().count(),
            None
        );
        for (text, words) in [
            ("", "cannot be read"),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", "Python objects"),
            ("{'descr': '<U5', 'fortran_order': False, 'shape': (3,), }", "text"),
            ("{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (3,), }", "structured"),
            ("{'descr': '<f16', 'fortran_order': False, 'shape': (3,), }", "not known"),
            ("{'descr': '<f8', 'fortran_order': Maybe, 'shape': (3,), }", "cannot be read"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }", "cannot be read"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn every_type_is_decoded_in_both_byte_orders() {
        let decoded = |kind, big_endian, bytes: &[u8]| {
            let mut numbers = Vec::new();
            Header { kind, big_endian, fortran: false, shape: vec![1] }.decode(bytes, &mut numbers);
            numbers
        };
        assert_eq!(decoded(Number::Float(8), false, &(-1.5_f64).to_le_bytes()), [-1.5]);
        assert_eq!(decoded(Number::Float(4), true, &(-1.5_f32).to_be_bytes()), [-1.5]);
        assert_eq!(decoded(Number::Float(2), false, &[0x00, 0x3e]), [1.5]);
        assert_eq!(decoded(Number::Signed(2), true, &(-300_i16).to_be_bytes()), [-300.0]);
        assert_eq!(decoded(Number::Signed(8), false, &(-3_i64).to_le_bytes()), [-3.0]);
        assert_eq!(decoded(Number::Signed(1), false, &[0xff, 0x05]), [-1.0, 5.0]);
        assert_eq!(decoded(Number::Unsigned(4), false, &4_000_000_000_u32.to_le_bytes()), [4e9]);
        assert_eq!(decoded(Number::Bool, false, &[0, 1, 7]), [0.0, 1.0, 1.0]);
    }
}
