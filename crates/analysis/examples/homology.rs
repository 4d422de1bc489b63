//! Bars of a cloud of points: `homology POINTS.csv [--prime 47] [--dimension 2] [--threshold T] [--cocycles 0] [--repeats 1]`.
//!
//! One point a line, coordinates separated by commas. Bars are printed as `dimension,birth,death`; with `--cocycles K`, so many cocycles follow as
//! `cocycle,bar,i,j,coefficient`. Seconds and memory go to the standard error.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "bars are printed")]

use gridlake_analysis::homology::{DistanceMatrix, Options, Persistence, persistence};
use ndarray::Array2;
use std::error::Error;
use std::fmt::Write;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    match run() {
        Ok(bars) => {
            print!("{bars}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Box<dyn Error>> {
    let mut options = Options { cocycles: 0, ..Options::default() };
    let (mut file, mut repeats) = (None, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if !argument.starts_with("--") {
            file = Some(argument);
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--prime" => options.prime = value.parse()?,
            "--dimension" => options.max_dimension = value.parse()?,
            "--threshold" => options.threshold = Some(value.parse()?),
            "--cocycles" => options.cocycles = value.parse()?,
            "--repeats" => repeats = value.parse()?,
            _ => return Err(format!("there is no option {argument}").into()),
        }
    }
    let points =
        read(&file.ok_or("usage: homology POINTS.csv [--prime 47] [--dimension 2] [--threshold T] [--cocycles 0] [--repeats 1]")?)?;
    let mut seconds = f64::INFINITY;
    let mut found = None;
    for _ in 0..repeats.max(1) {
        let started = Instant::now();
        found = Some(persistence(&DistanceMatrix::euclidean(points.view())?, &options, None)?);
        seconds = seconds.min(started.elapsed().as_secs_f64());
    }
    let found = found.ok_or("nothing was computed")?;
    eprintln!("{seconds:.6} seconds (the least of {repeats}), {} bytes in tables", found.peak_bytes);
    Ok(text(&found)?)
}

fn read(file: &str) -> Result<Array2<f64>, Box<dyn Error>> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let mut values = Vec::new();
    let (mut rows, mut columns) = (0, 0);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let before = values.len();
        for value in line.split(',') {
            values.push(value.trim().parse().map_err(|error| format!("{file}: line {}: {value:?}: {error}", rows + 1))?);
        }
        rows += 1;
        columns = if rows == 1 { values.len() } else { columns };
        if values.len() - before != columns {
            return Err(format!("{file}: line {rows} has {} coordinates, the first has {columns}", values.len() - before).into());
        }
    }
    Ok(Array2::from_shape_vec((rows, columns), values)?)
}

fn text(found: &Persistence) -> Result<String, std::fmt::Error> {
    let mut text = String::from("dimension,birth,death\n");
    for (dimension, bars) in found.bars.iter().enumerate() {
        for bar in bars {
            writeln!(text, "{dimension},{},{}", bar.birth, bar.death)?;
        }
    }
    if !found.cocycles.is_empty() {
        text += "cocycle,bar,i,j,coefficient\n";
    }
    for (bar, cocycle) in found.cocycles.iter().enumerate() {
        for (i, j, coefficient) in &cocycle.edges {
            writeln!(text, "cocycle,{bar},{i},{j},{coefficient}")?;
        }
    }
    Ok(text)
}
