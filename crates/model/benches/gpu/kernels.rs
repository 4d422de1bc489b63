//! Each kernel alone, beside the least time that a device of these ceilings needs for it.

use crate::problem::{Problem, name_of};
use crate::report::{Table, number, or_dash};
use crate::support::argument;
use gridlake_model::ModelError;
use gridlake_model::config::Precision;
use gridlake_model::gpu_profile::{StepProfile, Work, copy_rate, profile_step};
use std::fmt::Write;

/// What a device can do at most, per second.
#[derive(Clone, Copy)]
pub(crate) struct Ceilings {
    /// Operations in single precision.
    single: f64,
    /// Operations of dense products in TF32 on tensor cores.
    tensor: f64,
    /// Bytes to and from memory.
    memory: f64,
}

const H100: Ceilings = Ceilings { single: 67e12, tensor: 494e12, memory: 3.35e12 };
const H200: Ceilings = Ceilings { memory: 4.8e12, ..H100 };

impl Ceilings {
    /// By the datasheet of the device of this name, or else an H100's; flags replace them. And where they are from, in words.
    pub(crate) fn of(name: &str) -> (Self, String) {
        let (known, mut source) = match name {
            name if name.contains("H200") => (H200, "datasheet of the H200".to_owned()),
            name if name.contains("H100") => (H100, "datasheet of the H100 SXM".to_owned()),
            _ => (H100, format!("datasheet of the H100 SXM, as {name} is not known here")),
        };
        let mut given = |flag: &str, known: f64| match argument(flag).and_then(|value| value.parse::<f64>().ok()) {
            Some(value) => {
                let _ = write!(source, ", {flag} {value}");
                value * 1e12
            }
            None => known,
        };
        let ceilings = Self {
            single: given("--fp32-tflops", known.single),
            tensor: given("--tf32-tflops", known.tensor),
            memory: given("--memory-tbs", known.memory),
        };
        (ceilings, source)
    }

    /// Least seconds for some work, and what takes them.
    fn floor(&self, work: &Work) -> (f64, &'static str) {
        let arithmetic = match work.tensor_products {
            0 => (work.operations / self.single, "arithmetic"),
            products => (work.operations * f64::from(products) / self.tensor, "tensor cores"),
        };
        let memory = (work.bytes / self.memory, "memory");
        if memory.0 > arithmetic.0 { memory } else { arithmetic }
    }
}

/// The ceilings, and what a copy reaches.
pub(crate) fn ceilings_table(device: &str, quick: bool, ceilings: &Ceilings, source: &str) -> Result<(Table, f64), ModelError> {
    let (bytes, repetitions) = if quick { (1 << 20, 2) } else { (1 << 30, 20) };
    let rate = copy_rate(device, bytes, repetitions)?;
    let mut table = Table::new("Ceilings", &["Ceiling", "Per second", "From"]);
    table.note(
        "A kernel's floor is the longer of two times: its operations at the rate of the units that do them (in f32, a product on tensor cores is three there), and its bytes at the \
         datasheet's rate, each input read once and each output written once.",
    );
    table.row(["single precision, TFLOP".to_owned(), number(ceilings.single / 1e12), source.to_owned()]);
    table.row(["TF32 products on tensor cores, dense, TFLOP".to_owned(), number(ceilings.tensor / 1e12), source.to_owned()]);
    table.row(["memory, TB".to_owned(), number(ceilings.memory / 1e12), source.to_owned()]);
    let share = format!("measured here: {} MiB from one place to another, read and written", bytes >> 20);
    table.row(["memory, TB".to_owned(), number(rate / 1e12), share]);
    Ok((table, rate))
}

/// Times all kernels of a step.
pub(crate) fn kernel_table(
    problem: &Problem,
    device: &str,
    precision: Precision,
    quick: bool,
    ceilings: &Ceilings,
) -> Result<(Table, StepProfile), ModelError> {
    let profile = profile_step(&problem.config(device, precision), if quick { 2 } else { 30 })?;
    let size = problem.size;
    let title = format!(
        "Kernels at the {} size: {} × B = {}, T = {}, N = {}, {}",
        size.name,
        problem.accumulate,
        size.batch,
        size.length,
        size.units,
        name_of(precision)
    );
    let mut table = Table::new(title, &["Kernel", "Launches", "µs", "GFLOP", "MB", "Floor, µs", "Bound by", "Floor / time"]);
    let mut all = (0usize, 0.0, 0.0, 0.0, 0.0);
    for kernel in &profile.kernels {
        let floor = kernel.work.map(|work| ceilings.floor(&work));
        let (operations, bytes) = (kernel.work.map(|work| work.operations), kernel.work.map(|work| work.bytes));
        table.row([
            format!("`{}`", kernel.name),
            kernel.launches.to_string(),
            number(kernel.seconds * 1e6),
            or_dash(operations, |operations| number(operations / 1e9)),
            or_dash(bytes, |bytes| number(bytes / 1e6)),
            or_dash(floor.map(|(seconds, _)| seconds), |seconds| number(seconds * 1e6)),
            floor.map_or("–", |(_, by)| by).to_owned(),
            or_dash(floor.map(|(seconds, _)| seconds / kernel.seconds), |share| format!("{:.0} %", 100.0 * share)),
        ]);
        let sum = |sum: f64, more: Option<f64>| sum + more.unwrap_or_default();
        all = (
            all.0 + kernel.launches,
            all.1 + kernel.seconds,
            sum(all.2, operations),
            sum(all.3, bytes),
            sum(all.4, floor.map(|(seconds, _)| seconds)),
        );
    }
    table.row([
        "all".to_owned(),
        all.0.to_string(),
        number(all.1 * 1e6),
        number(all.2 / 1e9),
        number(all.3 / 1e6),
        number(all.4 * 1e6),
        String::new(),
        format!("{:.0} %", 100.0 * all.4 / all.1),
    ]);
    table.note(format!(
        "A whole step, as training launches it: {} µs by the GPU's clock. Each kernel was repeated by itself, so that what fits is in the second-level cache (hence shares above \
         100 %), and none runs beside another.",
        number(profile.step_seconds * 1e6)
    ));
    Ok((table, profile))
}
