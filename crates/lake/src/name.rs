//! Names that users choose and that become parts of paths and figures' titles: of runs, variants and arenas.

/// Most characters of a name that a user chooses.
pub const NAME_MAX: usize = 64;
/// Most characters of a run's whole name, which holds two of those, the seed and digits of the fingerprint.
pub const RUN_NAME_MAX: usize = 128;

/// What a name may be, to be put behind "allowed: ".
pub const NAME_RULE: &str = "letters, digits, `.`, `-`, `_`; at most 64; not starting with `.`";

/// Whether `name` may be a part of a path: ASCII letters, digits, `.`, `-`, `_`, at least one and at most [`NAME_MAX`] of them, not starting
/// with `.`. So it is never `..`, never hidden, and holds no separator, quote or sign that HTML, SVG or SQL would read.
pub fn is_name(name: &str) -> bool {
    fits(name, NAME_MAX)
}

/// Whether `run` may be a run's whole name: as [`is_name`], but up to [`RUN_NAME_MAX`] long.
pub fn is_run_name(run: &str) -> bool {
    fits(run, RUN_NAME_MAX)
}

/// Holds a user's name to [`is_name`].
///
/// # Errors
/// The name as it was written, escaped, with what is allowed.
pub fn check_name(name: &str) -> Result<(), String> {
    if is_name(name) { Ok(()) } else { Err(format!("is {:?}; allowed: {NAME_RULE}", shortened(name))) }
}

fn fits(name: &str, most: usize) -> bool {
    (1..=most).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && !name.starts_with('.')
}

/// Enough of a name to recognize it.
fn shortened(name: &str) -> String {
    if name.chars().count() <= 80 { name.to_owned() } else { name.chars().take(79).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_accepted_and_refused() {
        for name in ["a", "rat-11_15.2", "0", "A..b", &"x".repeat(64)] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            ".hidden",
            "a/b",
            "../a",
            "a b",
            "ä",
            "a\n",
            "a\0",
            "a\"b",
            "a'b",
            "a<b",
            "a&b",
            "a\\b",
            "a;b",
            "a%2f",
            &"x".repeat(65),
        ] {
            assert!(check_name(name).unwrap_err().contains("allowed: letters"), "{name:?}");
        }
        assert!(is_run_name(&"x".repeat(128)) && !is_run_name(&"x".repeat(129)) && !is_run_name("a/../b"));
        assert!(check_name("a\u{1b}[31m").unwrap_err().contains("\\u{1b}"), "control characters are shown escaped");
    }

    proptest! {
        #[test]
        fn what_is_accepted_stays_one_part_of_a_path(name in "[a./\\\\\"'<&\u{0}-\u{20}~ -]{0,5}|\\PC{0,8}|[a-z0-9._-]{1,70}") {
            if check_name(&name).is_ok() {
                prop_assert!(!name.contains(['/', '\\', '"', '\'', '<', '>', '&', '%', ' ', ';']) && !name.chars().any(char::is_control));
                prop_assert!(name != ".." && name != "." && !name.starts_with('.'));
                let path = std::path::Path::new("lake").join(&name);
                prop_assert_eq!(path.parent(), Some(std::path::Path::new("lake")));
                prop_assert_eq!(path.components().count(), 2);
            }
        }
    }
}
