//! Numbers: which of them can be drawn, and how they are written.

/// Whether a value takes part in a figure: not NaN, and not so large that spans and sums overflow.
pub(crate) fn drawable(value: f64) -> bool {
    value.abs() <= 1e100
}

/// A number with a true minus sign, and never "−0".
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    if value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { format!("−{text}") } else { text }
}

/// A count with thin groups of three figures, so that long numbers are read at a glance.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length in metres as short as it is exact to a millimetre, or to three figures if that is finer: `0.5 m`.
pub(crate) fn metres(length_m: f64) -> String {
    let decimals = (2.0 - length_m.log10().floor()).clamp(3.0, 9.0) as usize;
    let text = format!("{length_m:.decimals$}");
    format!("{} m", text.trim_end_matches('0').trim_end_matches('.'))
}

/// "99 %" of 0.99, "99.5 %" of 0.995.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", (share * 1e8).round() / 1e6)
}

/// A rate or another size in about three figures: "0.42", "12.3", "1.2e−5".
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    if !drawable(value) {
        return "–".to_owned();
    }
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(0.0095..9999.5).contains(&size) {
        return format!("{value:.1e}").replace('-', "−");
    }
    signed(value, if size < 9.995 { 2 } else { usize::from(size < 99.95) })
}

/// A p- or q-value as all figures and reports write it: "0.43", "0.010", "< 0.001" (never 0, which no p-value is), and "–" where there is none.
#[must_use]
pub fn share(p: f64) -> String {
    if !(0.0..=1.0).contains(&p) {
        return "–".to_owned();
    }
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.*}", if p < 0.0995 { 3 } else { 2 }) }
}

/// A p-value in a sentence: "p = 0.43", "p < 0.001", or that there is none.
pub(crate) fn p_value(p: f64) -> String {
    match share(p).as_str() {
        "–" => "p undefined".to_owned(),
        share if share.starts_with('<') => format!("p {share}"),
        share => format!("p = {share}"),
    }
}

/// An angle as short as it is exact to a hundredth of a degree: "60°".
pub(crate) fn degrees(angle: f64) -> String {
    format!("{}°", (angle * 100.0).round() / 100.0)
}

/// "1 unit", "12 units".
pub(crate) fn units(count: usize) -> String {
    format!("{} {}", grouped(count as u64), if count == 1 { "unit" } else { "units" })
}

/// "1 state", "10,000 states".
pub(crate) fn states(count: usize) -> String {
    format!("{} {}", grouped(count as u64), if count == 1 { "state" } else { "states" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_print() {
        assert_eq!((signed(-0.123, 2), signed(-0.001, 2), signed(1.0, 1)), ("−0.12".into(), "0.00".into(), "1.0".into()));
        assert_eq!((grouped(7), grouped(12_000), grouped(1_234_567)), ("7".into(), "12,000".into(), "1,234,567".into()));
        assert_eq!((percent(0.99), percent(0.995), percent(0.9)), ("99 %".into(), "99.5 %".into(), "90 %".into()));
        assert_eq!(percent(0.999_999), "99.9999 %");
    }

    #[test]
    fn rates_and_p_values_are_short() {
        assert_eq!([0.42, 0.0, 12.34, 250.0, 0.000_012, -0.5].map(short), ["0.42", "0", "12.3", "250", "1.2e−5", "−0.50"]);
        assert_eq!(short(f64::NAN), "–");
        assert_eq!([0.43, 0.042, 1e-9, f64::NAN].map(p_value), ["p = 0.43", "p = 0.042", "p < 0.001", "p undefined"]);
    }

    #[test]
    fn lengths_lose_needless_zeros_only() {
        let lengths = [0.5, 2.0, 2.25, 3.96, 100.0, 0.0005].map(metres);
        assert_eq!(lengths, ["0.5 m", "2 m", "2.25 m", "3.96 m", "100 m", "0.0005 m"]);
    }

    #[test]
    fn what_would_overflow_is_not_drawn() {
        assert!([0.0, -3.0, 1e38].into_iter().all(drawable));
        assert!(![f64::NAN, f64::INFINITY, -1e300].into_iter().any(drawable));
    }
}
