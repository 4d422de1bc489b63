//! How far a stage is: a bar where stderr is a terminal, a log line now and then where it is not, nothing with `--quiet`.

use crate::output::duration;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Between two lines, unless 5 % more is done.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Never more often than this.
const LINE_AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Between two changes of a bar's text.
const BAR_EVERY: Duration = Duration::from_millis(200);

fn bars() -> &'static MultiProgress {
    static BARS: OnceLock<MultiProgress> = OnceLock::new();
    BARS.get_or_init(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
}

/// Writes to stderr while no bar is drawn.
pub(crate) fn beside_bars<T>(write: impl FnOnce() -> T) -> T {
    bars().suspend(write)
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Bar,
    Lines,
    Quiet,
    /// A worker's: its parent shows it.
    Relay,
}

/// What a worker tells of one bar.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Event {
    bar: u64,
    label: String,
    position: u64,
    total: u64,
    message: String,
    ended: bool,
}

/// The number of the next bar.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

static TELL: OnceLock<fn(Event)> = OnceLock::new();

/// What to do with what [`Mode::Relay`] tells.
pub(crate) fn relay(tell: fn(Event)) {
    // Set once, by the one task of a worker.
    let _ = TELL.set(tell);
}

/// Bars of one worker, as its parent shows them.
#[derive(Default)]
pub(crate) struct Bars(BTreeMap<u64, ProgressBar>);

impl Bars {
    pub(crate) fn show(&mut self, event: Event) {
        if event.ended {
            if let Some(bar) = self.0.remove(&event.bar) {
                remove(&bar);
            }
            return;
        }
        let bar = self.0.entry(event.bar).or_insert_with(|| add(&event.label, event.position, event.total));
        bar.set_position(event.position);
        bar.set_message(event.message);
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for bar in self.0.values() {
            remove(bar);
        }
    }
}

fn add(label: &str, from: u64, total: u64) -> ProgressBar {
    let bar = bars().add(ProgressBar::new(total).with_position(from));
    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.set_prefix(label.to_string());
    bar
}

fn remove(bar: &ProgressBar) {
    bar.finish_and_clear();
    bars().remove(bar);
}

impl Mode {
    /// `--quiet`, or by what stderr is.
    pub(crate) fn of(quiet: bool, json: bool) -> Self {
        match (quiet, json || !std::io::stderr().is_terminal()) {
            (true, _) => Mode::Quiet,
            (false, true) => Mode::Lines,
            (false, false) => Mode::Bar,
        }
    }
}

/// Progress of one stage.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    /// Tells bars of one worker apart.
    number: u64,
    mode: Mode,
    label: String,
    unit: &'static str,
    from: u64,
    total: u64,
    started: Instant,
    shown: Instant,
    shown_at: u64,
}

impl Progress {
    /// Starts at `from` of `total` units (the plural of what is counted).
    pub(crate) fn start(mode: Mode, label: &str, unit: &'static str, from: u64, total: u64) -> Self {
        let now = Instant::now();
        let bar = (mode == Mode::Bar).then(|| add(label, from, total));
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        Self { bar, number, mode, label: label.to_string(), unit, from, total, started: now, shown: now, shown_at: from }
    }

    /// `position` of the total is done; `detail` is asked for only when shown.
    pub(crate) fn update(&mut self, position: u64, detail: impl FnOnce() -> String) {
        let since = self.shown.elapsed();
        let due = match self.mode {
            Mode::Quiet => false,
            Mode::Bar | Mode::Relay => since >= BAR_EVERY,
            Mode::Lines => since >= LINE_EVERY || (since >= LINE_AT_MOST_EVERY && (position - self.shown_at) * 20 >= self.total.max(1)),
        };
        if !due {
            return;
        }
        self.shown = Instant::now();
        self.shown_at = position;
        let rate = self.rate(position);
        let left = if rate > 0.0 { duration(self.total.saturating_sub(position) as f64 / rate) } else { "?".to_string() };
        let (unit, detail) = (self.unit, detail());
        let separator = if detail.is_empty() { "" } else { "; " };
        let message = format!("{rate:.1} {unit}/s, {left} left{separator}{detail}");
        if let Some(bar) = &self.bar {
            bar.set_position(position);
            bar.set_message(message);
        } else if self.mode == Mode::Relay {
            self.tell(position, message, false);
        } else {
            tracing::info!("{}: {position}/{} {unit}, {message}", self.label, self.total);
        }
    }

    fn tell(&self, position: u64, message: String, ended: bool) {
        if let Some(tell) = TELL.get() {
            tell(Event { bar: self.number, label: self.label.clone(), position, total: self.total, message, ended });
        }
    }

    /// Units per second since the start.
    pub(crate) fn rate(&self, position: u64) -> f64 {
        position.saturating_sub(self.from) as f64 / self.started.elapsed().as_secs_f64().max(1e-9)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            remove(&bar);
        }
        if self.mode == Mode::Relay {
            self.tell(self.shown_at, String::new(), true);
        }
    }
}
