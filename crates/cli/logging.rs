//! Logs on stderr, in step with the progress bars.

use crate::args::{CommonArguments, LogFormat};
use crate::progress;
use std::io::Write;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Sets up logging: `GRIDLAKE_LOG` filters (`info` by default, `warn` with `--quiet`).
pub(crate) fn start(arguments: &CommonArguments) {
    let default = if arguments.quiet { "warn" } else { "info" };
    let filter = EnvFilter::try_from_env("GRIDLAKE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Stderr).with_ansi(false).with_target(false);
    // A second start in one process keeps the first.
    let _ = match arguments.log_format {
        LogFormat::Text => builder.without_time().with_level(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// stderr with the progress bars out of the way.
struct Stderr;

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(Vec::new())
    }
}

/// One log line, written whole.
struct Line(Vec<u8>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // A log that cannot be written has nowhere to say so.
        let _ = progress::beside_bars(|| std::io::stderr().lock().write_all(&self.0));
    }
}
