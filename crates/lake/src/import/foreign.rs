//! Libraries that panic on files they were not written for: what is caught, and reported as what it is, a damaged file.

use super::error::ImportError;
use super::rows::Whereabouts;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a library that reads a foreign file. A panic there is caught and becomes an error that names the file, so a panic hook
/// should say nothing about it.
pub fn reads_foreign_file() -> bool {
    READING.get()
}

/// Does `work`, which calls the Parquet library: its reader asserts what a damaged file's metadata may break, such as offsets that are not negative.
/// What `work` held must not be used again after an error.
pub(super) fn guarded<T>(place: &Whereabouts, work: impl FnOnce() -> Result<T, ImportError>) -> Result<T, ImportError> {
    READING.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    READING.set(false);
    outcome.unwrap_or_else(|_| Err(place.refuse("is torn or altered (its parts contradict each other); copy or write the file anew")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_names_the_file() {
        let place = Whereabouts { path: "a.parquet".into(), lines: false };
        let error = guarded::<()>(&place, || {
            assert!(!reads_foreign_file(), "a panic, as libraries make them");
            Ok(())
        });
        assert!(error.unwrap_err().to_string().starts_with("a.parquet: is torn or altered"));
        assert!(!reads_foreign_file());
        assert!(guarded(&place, || Ok(7)).is_ok_and(|seven| seven == 7));
    }
}
