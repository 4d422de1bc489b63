//! Components, graphs and embeddings of points in a file, for comparison with other programs.
//!
//! ```text
//! cargo run --release -p gridlake-analysis --example embedding -- POINTS ROWS COLUMNS TASK OUT [NAME=VALUE …]
//! ```
//!
//! POINTS holds ROWS × COLUMNS little-endian f64, row by row. TASK is `pca`, `spectral` or `isomap`. Arrays are written beside each other as OUT.NAME in the same form (a
//! graph's indices as f64 too); a JSON object on stdout tells their shapes, what else there is, and the seconds that the task took `repeats` times, reading and writing left out.
//! Settings: `components`, `neighbors`, `dimensions`, `eigenvalues`, `landmarks`, `repeats`, `threads`.

#![expect(clippy::print_stdout, reason = "a tool that prints its answer")]

use gridlake_analysis::isomap::{self, IsomapConfig};
use gridlake_analysis::neighbors::{Graph, nearest};
use gridlake_analysis::pca::pca;
use gridlake_analysis::spectral_embedding::{self, SpectralEmbeddingConfig};
use gridlake_space::seed::Seed;
use ndarray::{Array2, ArrayView2};
use serde_json::{Value, json};
use std::error::Error;
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Task {
    points: Array2<f64>,
    out: String,
    settings: Vec<(String, usize)>,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [points, rows, columns, task, out, settings @ ..] = arguments.as_slice() else {
        return Err("POINTS ROWS COLUMNS TASK OUT [NAME=VALUE …]".into());
    };
    let bytes = std::fs::read(points)?;
    let (numbers, _) = bytes.as_chunks::<8>();
    let points = Array2::from_shape_vec((rows.parse()?, columns.parse()?), numbers.iter().map(|b| f64::from_le_bytes(*b)).collect())?;
    let settings = settings.iter().map(|setting| {
        let (name, value) = setting.split_once('=').ok_or_else(|| format!("{setting} is no NAME=VALUE"))?;
        Ok((name.to_owned(), value.parse()?))
    });
    let job = Task { points, out: out.clone(), settings: settings.collect::<Outcome<_>>()? };
    let threads = job.setting("threads", std::thread::available_parallelism().map_or(1, usize::from));
    let answer = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?.install(|| match task.as_str() {
        "pca" => job.pca().map_err(|error| error.to_string()),
        "spectral" => job.spectral().map_err(|error| error.to_string()),
        "isomap" => job.isomap().map_err(|error| error.to_string()),
        other => Err(format!("{other} is none of pca, spectral, isomap")),
    })?;
    println!("{answer}");
    Ok(())
}

impl Task {
    fn setting(&self, name: &str, default: usize) -> usize {
        self.settings.iter().find(|(given, _)| given == name).map_or(default, |(_, value)| *value)
    }

    fn write(&self, name: &str, values: impl Iterator<Item = f64>) -> Outcome<()> {
        Ok(std::fs::write(format!("{}.{name}", self.out), values.flat_map(f64::to_le_bytes).collect::<Vec<u8>>())?)
    }

    fn matrix(&self, name: &str, matrix: ArrayView2<'_, f64>) -> Outcome<Value> {
        self.write(name, matrix.iter().copied())?;
        Ok(json!(matrix.shape()))
    }

    /// The last of `repeats` answers, and the seconds of each.
    fn timed<T, E: Error + 'static>(&self, work: impl Fn() -> Result<T, E>) -> Outcome<(T, Vec<f64>)> {
        let (mut seconds, mut answer) = (Vec::new(), None);
        for _ in 0..self.setting("repeats", 1).max(1) {
            let start = Instant::now();
            answer = Some(work()?);
            seconds.push(start.elapsed().as_secs_f64());
        }
        Ok((answer.ok_or("nothing ran")?, seconds))
    }

    fn pca(&self) -> Outcome<Value> {
        let (found, seconds) = self.timed(|| pca(self.points.view(), self.setting("components", 6)))?;
        Ok(json!({
            "components": self.matrix("components", found.components.view())?, "scores": self.matrix("scores", found.scores.view())?,
            "variances": found.variances, "ratios": found.ratios, "mean": found.mean.to_vec(), "solver": format!("{:?}", found.solver), "seconds": seconds,
        }))
    }

    fn spectral(&self) -> Outcome<Value> {
        let base = SpectralEmbeddingConfig::default();
        let config = SpectralEmbeddingConfig {
            neighbors: self.setting("neighbors", base.neighbors),
            dimensions: self.setting("dimensions", base.dimensions),
            eigenvalues: self.setting("eigenvalues", base.eigenvalues),
            ..base
        };
        let (found, seconds) = self.timed(|| spectral_embedding::embed(self.points.view(), &config, Seed(0)))?;
        let start = Instant::now();
        let graph = Graph::connectivity(&nearest(self.points.view(), config.neighbors - 1)?);
        let graph_seconds = start.elapsed().as_secs_f64();
        self.write("offsets", graph.offsets.iter().map(|i| *i as f64))?;
        self.write("columns", graph.columns.iter().map(|i| f64::from(*i)))?;
        self.write("weights", graph.weights.iter().copied())?;
        self.write("members", found.members.iter().map(|i| *i as f64))?;
        Ok(json!({
            "coordinates": self.matrix("coordinates", found.coordinates.view())?, "eigenvalues": found.eigenvalues, "residuals": found.residuals,
            "connected": found.components, "solver": format!("{:?}", found.solver), "convergence": format!("{:?}", found.convergence),
            "seconds": seconds, "graph_seconds": graph_seconds,
        }))
    }

    fn isomap(&self) -> Outcome<Value> {
        let base = IsomapConfig::default();
        let config = IsomapConfig {
            neighbors: self.setting("neighbors", base.neighbors),
            dimensions: self.setting("dimensions", base.dimensions),
            landmarks: self.setting("landmarks", base.landmarks),
        };
        let (found, seconds) = self.timed(|| isomap::embed(self.points.view(), &config))?;
        Ok(json!({
            "coordinates": self.matrix("coordinates", found.coordinates.view())?, "eigenvalues": found.eigenvalues, "residual_variance": found.residual_variance,
            "connected": found.components, "seconds": seconds,
        }))
    }
}
