//! `gridlake`: train networks that learn grid cells, record, analyze and draw them. `docs/cli.md` has its verbs, flags and exit codes.

mod all_runs;
mod args;
mod commands;
mod executor;
mod failure;
mod fingerprint;
mod interrupt;
mod logging;
#[cfg(test)]
mod many_runs;
mod output;
mod pipeline;
mod plan;
mod progress;
mod schedule;
mod stages;
mod summary;
mod sweep_figure;
mod sweep_index;
mod variants_figure;
mod workers;
mod workspace;

fn main() -> std::process::ExitCode {
    commands::main()
}
