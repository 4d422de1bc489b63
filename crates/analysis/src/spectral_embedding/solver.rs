//! The lowest eigenpairs of the Laplacian.
//!
//! First rounds: filter a block of random signs, Rayleigh-Ritz on L, and take the filter's next bound from the block's values, until it no longer falls (every Ritz value of the
//! block bounds its eigenvalue from above, so the bound falls towards the block's last eigenvalue). Then block Lanczos on a filter somewhat wider than that, which needs
//! few columns, as far as its residuals ask for; then Rayleigh-Ritz and residuals on L. Where the basis is full before, its best vectors start the next, on a steeper filter.

use super::basis::{combine, extend, product};
use super::filter::{LANES, Operator};
use super::krylov::Krylov;
use super::{Solver, SpectralEmbeddingConfig, SpectralEmbeddingError, dense};
use crate::neighbors::Graph;
use gridlake_space::seed::{Seed, Stream};
use linfa_linalg::Order;
use linfa_linalg::eigh::{EigSort, EighInto};
use ndarray::{Array2, Axis, s};

/// Up to so many nodes, all eigenpairs of a dense matrix are as fast.
const DENSE: usize = 400;
/// Block columns beyond those kept, at least: a level of up to as many equal eigenvalues as the block has columns comes out whole.
const GUARD: usize = 4;
/// First bound on λ.
const START: f64 = 0.4;
/// Largest bound. A graph has no loops, so S's eigenvalues have the sum 0, and the block's, which are its greatest, are above -1/4 where nodes are five times as many or more.
const LARGEST: f64 = 1.25;
/// Gain of a filter at its upper end over its bound. More takes higher degrees, less takes more columns.
const GAIN: f64 = 100.0;
/// The bound has settled where a round leaves more of it.
const SETTLED: f64 = 0.4;
/// Bound of the filter that Lanczos runs on, over the block's last value.
const WIDER: f64 = 2.0;
/// Largest gain at λ = 0 over the least λ that is looked for.
const CONSTANT: f64 = 1e8;
/// Largest degree of a filter.
const DEGREE: f64 = 600.0;
/// Columns of a full basis: eight blocks up to 128 columns, at least four.
const COLUMNS: usize = 128;
/// Residuals on the filtered operator, over the tolerance, from which on those on L are looked at: the filter is steep where the wanted values are.
const LOOK: f64 = 5.0;

/// Eigenpairs: values rising, vectors in columns of length 1.
pub(super) struct Eigen {
    pub(super) values: Vec<f64>,
    pub(super) vectors: Array2<f64>,
    pub(super) residuals: Vec<f64>,
}

/// The `config.eigenvalues` lowest beyond the constant, or all there are, of a connected graph.
pub(super) fn lowest(
    graph: &Graph,
    degrees: &[f64],
    config: &SpectralEmbeddingConfig,
    seed: Seed,
) -> Result<(Eigen, Solver), SpectralEmbeddingError> {
    let width = (config.eigenvalues + GUARD).next_multiple_of(LANES);
    // The basis must fit with room.
    if graph.nodes() <= DENSE.max(full(width) + 2 * width) {
        let (values, vectors) = dense::lowest(graph, config.eigenvalues)?;
        return Ok((Eigen::measured(graph, degrees, values, vectors), Solver::Dense));
    }
    let operator = Operator::new(graph, degrees);
    let mut search = Search::new(&operator, config, width, seed);
    let found = search.run();
    let values = found.values[..config.eigenvalues].to_vec();
    // In the graph's order, and measured again without the filter's operator.
    let vectors = operator.in_graph_order(found.vectors.slice(s![.., ..config.eigenvalues]));
    Ok((Eigen::measured(graph, degrees, values, vectors), Solver::Filtered { rounds: search.rounds, products: search.products }))
}

fn full(width: usize) -> usize {
    (8 * width).min(COLUMNS.max(4 * width))
}

/// So that the gain at `lowest` (or half of the bound, if that is less) over the bound is [`GAIN`], times `steeper`; but the constant mode, at λ = 0, must not be
/// amplified so much that what rounding leaves of it drowns the rest.
fn degree(bound: f64, lowest: f64, steeper: usize) -> usize {
    // acosh of t at λ, where t = 1 + 2 (bound - λ)/(2 - bound): T_m there is about its exponential, m times.
    let growth = |value: f64| (1.0 + 2.0 * (bound - value).max(0.0) / (2.0 - bound)).acosh();
    let asked = (GAIN.acosh() / growth(lowest.min(0.5 * bound))).ceil() * steeper as f64;
    let allowed = CONSTANT.ln() / (growth(0.0) - growth(lowest));
    asked.min(allowed).clamp(2.0, DEGREE) as usize
}

struct Search<'a> {
    operator: &'a Operator,
    config: &'a SpectralEmbeddingConfig,
    width: usize,
    stream: Stream,
    /// λ_0's vector, one column.
    constant: Array2<f64>,
    rounds: usize,
    products: usize,
}

impl<'a> Search<'a> {
    fn new(operator: &'a Operator, config: &'a SpectralEmbeddingConfig, width: usize, seed: Seed) -> Self {
        let stream = seed.stream("analysis/spectral_embedding", 0);
        let constant = operator.constant().insert_axis(Axis(1));
        Self { operator, config, width, stream, constant, rounds: 0, products: 0 }
    }

    /// The best found within the rounds allowed.
    fn run(&mut self) -> Eigen {
        let shape = (self.operator.nodes(), self.width);
        let mut signs = 0;
        let start = Array2::from_shape_fn(shape, |(row, column)| {
            if (row * self.width + column).is_multiple_of(64) {
                signs = self.stream.bits();
            }
            signs = signs.rotate_right(1);
            if signs >> 63 == 0 { 1.0 } else { -1.0 }
        });
        let mut best = Eigen { values: vec![0.0; self.width], vectors: start, residuals: vec![f64::INFINITY; self.width] };
        let mut bound = START;
        while self.rounds < self.config.rounds {
            let image = self.filtered(&best.vectors, bound, 0.0, 1);
            let Some(found) = self.rayleigh_ritz(image) else { return best };
            best = found;
            if self.arrived(&best) {
                return best;
            }
            let next = best.values[self.width - 1];
            let settled = next > SETTLED * bound;
            bound = next.clamp(1e-9, LARGEST);
            if settled {
                break;
            }
        }
        // A filter whose basis was full too soon is made steeper, and narrower.
        let (mut wider, mut steeper) = (WIDER, 1);
        while self.rounds < self.config.rounds {
            let Some(found) = self.lanczos(&best, (wider * bound).clamp(1e-9, LARGEST), steeper) else { return best };
            bound = found.values[self.width - 1];
            (wider, steeper) = (1.0, 2 * steeper);
            if self.worst(&found) < self.worst(&best) {
                best = found;
            }
            if self.arrived(&best) {
                break;
            }
        }
        best
    }

    /// From a block until its residuals are small enough, the basis is full, or rounds are used up.
    fn lanczos(&mut self, start: &Eigen, bound: f64, steeper: usize) -> Option<Eigen> {
        let mut krylov = Krylov::new(self.constant.clone(), start.vectors.clone());
        let mut bar = LOOK * self.config.tolerance;
        loop {
            let image = self.filtered(krylov.last(), bound, start.values[0], steeper);
            krylov.push(image, &mut self.stream)?;
            let (axes, residuals) = krylov.best(self.width)?;
            let last = krylov.columns() + self.width > full(self.width) || self.rounds >= self.config.rounds;
            if last || residuals[..self.config.eigenvalues].iter().all(|residual| *residual <= bar) {
                let found = self.rayleigh_ritz(krylov.vectors(&axes))?;
                if last || self.arrived(&found) {
                    return Some(found);
                }
                bar *= 0.3;
            }
        }
    }

    /// One round: a filter on a block. `lowest` is about the least λ that is looked for.
    fn filtered(&mut self, block: &Array2<f64>, bound: f64, lowest: f64, steeper: usize) -> Array2<f64> {
        let degree = degree(bound, lowest, steeper);
        self.rounds += 1;
        let (image, panels) = self.operator.filter(block.view(), 1.0 - bound, 1.0 - lowest.min(bound), degree);
        self.products += panels * degree;
        image
    }

    /// Ritz values (rising) and vectors of L in the block's span, and residuals.
    fn rayleigh_ritz(&mut self, block: Array2<f64>) -> Option<Eigen> {
        let block = extend(std::slice::from_ref(&self.constant), block, &mut self.stream)?.block;
        let (image, panels) = self.operator.apply(block.view());
        self.products += panels;
        let projected = product(&block, &image);
        let projected = (&projected + &projected.t()) * 0.5;
        let (values, turn) = projected.eigh_into().ok()?.sort_eig(Order::Largest);
        let (vectors, image) = (combine(&[block], &turn), combine(&[image], &turn));
        let residuals = (&image - &(&vectors * &values)).map_axis(Axis(0), |column| column.dot(&column).sqrt()).to_vec();
        Some(Eigen { values: values.iter().map(|value| 1.0 - value).collect(), vectors, residuals })
    }

    /// The largest residual of those kept.
    fn worst(&self, found: &Eigen) -> f64 {
        found.residuals[..self.config.eigenvalues].iter().copied().fold(0.0, f64::max)
    }

    fn arrived(&self, found: &Eigen) -> bool {
        self.worst(found) <= self.config.tolerance
    }
}
