//! Losses and gradients on the GPU beside the CPU's fused engine and, at small sizes, the reference in double precision.

use crate::problem::name_of;
use crate::report::{Table, number};
use crate::support::{HIDDEN, PAPER, QUICKSTART, Size};
use gridlake_model::ModelError;
use gridlake_model::batch::Batch;
use gridlake_model::config::{Activation, EngineKind, ModelConfig, Precision};
use gridlake_model::engine::{Engine, engine, gpu_engine};
use gridlake_model::gradients::Gradients;
use gridlake_model::parameters::Parameters;
use gridlake_space::seed::Seed;

/// Short enough for single precision to keep its digits.
const SHORT: usize = 10;

/// Most states that the reference is asked about.
const REFERENCE_STATES: usize = 1000;

/// Trajectories as long as the paper's, few enough for the reference, and how many networks they are drawn for.
const LONG: Size = Size { name: "long", batch: 24, length: 60, units: 128, lambda_cap: 0.5, sigma_g: 0.4 };
const LONG_DRAWS: u64 = 6;

/// How much farther from the reference than the CPU the GPU may be through long trajectories: the geometric mean over the draws.
const LONG_RATIO: f64 = 3.0;

/// A loss nearer to 0 is compared as if it were this: differences of states carry an error of single precision however small they are.
const LEAST_LOSS: f64 = 0.01;

/// Most that a loss may be off at any size.
const LOSSES: f64 = 1e-2;

/// How it went.
pub(crate) struct Parity {
    pub(crate) table: Table,
    /// Largest deviation of a gradient in f32 at the short sizes.
    pub(crate) worst: f64,
    /// What is off by more than it may be: in single precision at the short sizes, so that timing is idle; and else.
    pub(crate) wrong: Vec<String>,
    pub(crate) doubtful: Vec<String>,
}

struct Found {
    losses: [f64; 4],
    counts: [u64; 3],
    gradients: Vec<Vec<f64>>,
}

/// What a gradient's deviation may be at most: one through many steps of an untrained network loses digits, whoever computes it. Nothing is asked of TF32 beside double
/// precision there.
fn bound(length: usize, precision: Precision, against: Precision) -> f64 {
    let rounded = precision == Precision::Tf32 && against == Precision::F64;
    match (rounded, length) {
        (true, ..=SHORT) => 1e-2,
        (false, ..=SHORT) => 1e-4,
        (false, length) if length <= 30 => 1e-3,
        // The longest by [`Parity::long`] alone.
        _ => f64::INFINITY,
    }
}

pub(crate) fn check(device: &str, quick: bool) -> Result<Parity, ModelError> {
    let small = |batch, length, units| Size { name: "short", batch, length, units, lambda_cap: 0.5, sigma_g: 0.4 };
    let sizes = if quick {
        vec![small(5, 4, 24), small(9, 6, 64)]
    } else {
        vec![small(12, 6, 64), small(24, 8, 96), small(40, 10, 128), QUICKSTART, PAPER]
    };
    let header = ["Size", "B", "T", "N", "Precision", "Against", "Sep", "Inv", "Cap", "ConIso", "Gradients", "Allowed"];
    let mut table = Table::new("Parity", &header);
    table.note(
        "Deviations of losses, relative to each (to 0.01 if it is smaller), and the largest deviation of a parameter's gradient, relative to that gradient's norm.",
    );
    let mut parity = Parity { table, worst: 0.0, wrong: Vec::new(), doubtful: Vec::new() };
    for size in sizes {
        let batch = size.draw();
        let slow = || evaluate(engine(EngineKind::Reference, Activation::Relu, Precision::F64), Precision::F64, size, &batch, 1);
        let reference = (size.states() <= REFERENCE_STATES).then(slow).transpose()?;
        for precision in [Precision::F32, Precision::Tf32] {
            let here = evaluate(gpu_engine(device, Activation::Relu, precision)?, Precision::F32, size, &batch, 1)?;
            let host = evaluate(engine(EngineKind::Fused, Activation::Relu, precision), Precision::F32, size, &batch, 1)?;
            parity.add(size, precision, &here, &host, precision);
            if let Some(reference) = &reference {
                parity.add(size, precision, &here, reference, Precision::F64);
            }
        }
    }
    if !quick {
        parity.long(device)?;
    }
    Ok(parity)
}

impl Parity {
    /// Through trajectories as long as the paper's single precision loses digits that depend on the network, from some to nearly all: so the GPU is held against the CPU, both by
    /// how far they are from double precision.
    fn long(&mut self, device: &str) -> Result<(), ModelError> {
        let mut logs = 0.0;
        for seed in 1..=LONG_DRAWS {
            let batch = LONG.draw_by(seed);
            let found = |engine, precision| evaluate(engine, precision, LONG, &batch, seed);
            let slow = found(engine(EngineKind::Reference, Activation::Relu, Precision::F64), Precision::F64)?;
            let here = found(gpu_engine(device, Activation::Relu, Precision::F32)?, Precision::F32)?;
            let host = found(engine(EngineKind::Fused, Activation::Relu, Precision::F32), Precision::F32)?;
            self.row(LONG, Precision::F32, "reference, f64", &here, &slow, f64::INFINITY);
            let of = |found: &Found| {
                let each = found.gradients.iter().zip(&slow.gradients).map(|(a, b)| deviation(a, b));
                each.fold(f64::MIN_POSITIVE, worse)
            };
            self.row(LONG, Precision::F32, "reference, f64; the CPU's row", &host, &slow, f64::INFINITY);
            logs += (of(&here) / of(&host)).ln() / LONG_DRAWS as f64;
        }
        let ratio = logs.exp();
        self.table.note(format!(
            "Long trajectories: over {LONG_DRAWS} networks the GPU's gradients are {} times as far from double precision as the CPU's (geometric mean; up to {LONG_RATIO} are allowed).",
            number(ratio)
        ));
        if is_beyond(ratio, LONG_RATIO) {
            self.doubtful.push(format!("long trajectories: gradients are {ratio:.1} times as far from double precision as the CPU's"));
        }
        Ok(())
    }

    fn add(&mut self, size: Size, precision: Precision, here: &Found, there: &Found, against: Precision) {
        let allowed = bound(size.length, precision, against);
        let what = match against {
            Precision::F64 => "reference, f64".to_owned(),
            host => format!("CPU, {}", name_of(host)),
        };
        let (losses, gradient) = self.row(size, precision, &what, here, there, allowed);
        let decisive = precision == Precision::F32 && size.length <= SHORT;
        let counts_differ = here.counts != there.counts;
        if counts_differ || is_beyond(gradient, allowed) || losses.iter().any(|deviation| is_beyond(*deviation, allowed.min(LOSSES))) {
            let list = if decisive { &mut self.wrong } else { &mut self.doubtful };
            list.push(format!(
                "{} size ({}, {}, {}) in {} against {what}: losses off by {}, gradients by {gradient:.1e}, allowed {allowed:.0e}{}",
                size.name,
                size.batch,
                size.length,
                size.units,
                name_of(precision),
                losses.iter().map(|deviation| format!("{deviation:.1e}")).collect::<Vec<_>>().join(", "),
                if counts_differ { "; counts of pairs or steps differ" } else { "" }
            ));
        }
        if decisive {
            self.worst = worse(self.worst, gradient);
        }
    }

    /// Adds a row; deviations of losses and of gradients.
    fn row(&mut self, size: Size, precision: Precision, what: &str, here: &Found, there: &Found, allowed: f64) -> (Vec<f64>, f64) {
        let losses: Vec<f64> = here.losses.iter().zip(&there.losses).map(|(a, b)| (a - b).abs() / b.abs().max(LEAST_LOSS)).collect();
        let gradient = here.gradients.iter().zip(&there.gradients).map(|(a, b)| deviation(a, b)).fold(0.0, worse);
        let [batch, length, units] = [size.batch, size.length, size.units].map(|count| count.to_string());
        let [separation, invariance, capacity, conformal] = [0, 1, 2, 3].map(|loss| number(losses[loss]));
        let allowed = if allowed.is_finite() { number(allowed) } else { "–".to_owned() };
        self.table.row([
            size.name.to_owned(),
            batch,
            length,
            units,
            name_of(precision).to_owned(),
            what.to_owned(),
            separation,
            invariance,
            capacity,
            conformal,
            number(gradient),
            allowed,
        ]);
        (losses, gradient)
    }
}

/// What is not a number is beyond everything.
fn is_beyond(deviation: f64, allowed: f64) -> bool {
    deviation.is_nan() || deviation > allowed
}

/// The larger of two deviations; what is not a number is the worst.
fn worse(a: f64, b: f64) -> f64 {
    if b.is_nan() || b > a { b } else { a }
}

/// Of one parameter's gradient.
fn deviation(found: &[f64], expected: &[f64]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let off = norm(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    off / norm(&mut expected.iter().copied()).max(1e-6)
}

fn evaluate(mut engine: Box<dyn Engine>, precision: Precision, size: Size, batch: &Batch, seed: u64) -> Result<Found, ModelError> {
    let model = ModelConfig { units: size.units, mlp_hidden: HIDDEN.to_vec(), activation: Activation::Relu, trainable_initial_state: true };
    let parameters = Parameters::draw(&model, precision, &candle_core::Device::Cpu, Seed(seed))?;
    let mut gradients = Gradients::new(&parameters);
    let evaluation = engine.evaluate(&parameters, batch, &size.loss(), &mut gradients)?;
    let (l, s) = (evaluation.losses, evaluation.statistics);
    Ok(Found {
        losses: [l.separation, l.invariance, l.capacity, l.conformal],
        counts: [s.separation_pairs, s.invariance_pairs, s.conformal_steps],
        gradients: (0..parameters.named().len()).map(|number| gradients.to_vec(number)).collect(),
    })
}
