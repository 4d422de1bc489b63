//! Claims about training, and about a run in a line.

use super::run::Run;
use super::words::{count, number, place, text, thousands};
use serde_json::Value;
use std::collections::BTreeSet;

impl Run {
    pub(super) fn phase_claims(&self) -> Vec<String> {
        let phases = self.phases();
        let grows = phases.iter().any(|(_, settings)| settings["model"] != phases[0].1["model"]);
        // Whether it is told of the first phase as well, and what.
        let told = |settings: &Value| {
            let (data, loss, rate) = (&settings["data"], &settings["loss"], &settings["optimizer"]["learning_rate"]);
            let loss = |name: &str, key: &str| (false, format!("{name} = {}", loss[key]));
            [
                (grows, format!("N = {}", settings["model"]["units"])),
                (true, format!("T = {}", data["length"])),
                (true, format!("B = {}", data["batch"])),
                (true, format!("σ x = {} m", settings["loss"]["sigma_x_m"])),
                (true, format!("learning rate {rate}")),
                loss("σ g", "sigma_g"),
                loss("λ Sep", "lambda_sep"),
                loss("λ Inv", "lambda_inv"),
                loss("λ Cap", "lambda_cap"),
                loss("λ ConIso", "lambda_coniso"),
            ]
        };
        let claim = |(number, (from, settings)): (usize, &(u64, Value))| {
            let before = number.checked_sub(1).map(|before| told(&phases[before].1));
            let now = told(settings).into_iter().filter(|part| before.as_ref().map_or(part.0, |before| !before.contains(part)));
            let now: Vec<String> = now.map(|(_, text)| text).collect();
            format!(
                "step {}: {}",
                thousands(*from),
                if now.is_empty() { "no change of what is told here".to_owned() } else { now.join(", ") }
            )
        };
        phases.iter().enumerate().map(claim).collect()
    }

    pub(super) fn training(&self) -> Vec<String> {
        let mut claims = self.phase_claims();
        claims.push(format!("Training of {}", self.who()));
        let rows = self.sql(&format!("SELECT * FROM metrics WHERE run = '{}'", self.name));
        for (name, column, weight) in [
            ("Separation", "loss_separation", "lambda_sep"),
            ("Invariance", "loss_invariance", "lambda_inv"),
            ("Capacity", "loss_capacity", "lambda_cap"),
            ("Conformal isometry", "loss_conformal", "lambda_coniso"),
        ] {
            let values: Vec<f64> = rows.iter().map(|row| number(row, column)).collect();
            let zeros = values.iter().filter(|value| **value == 0.0).count();
            // Few zeros: left out of a logarithmic axis, which takes positive values of more than one decade.
            let least = values.iter().copied().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
            let largest = values.iter().copied().fold(0.0, f64::max);
            if zeros > 0 && 10 * zeros <= values.len() && largest > 20.0 * least && values.iter().all(|value| *value >= 0.0) {
                claims.push(format!("{zeros} at 0"));
            }
            if self.phases().iter().all(|(_, settings)| number(&settings["loss"], weight) == 0.0) {
                claims.push(format!("{name} (weight 0)"));
            }
        }
        if rows.len() > 300 {
            claims.push(format!("Mean of {} logged steps", rows.len().div_ceil(300)));
        }
        claims
    }

    /// Checkpoints at which a quantity of the figure of the development is undefined.
    pub(super) fn development(&self) -> Vec<String> {
        let arena = &self.arenas()[self.smallest()];
        let mut claims = self.phase_claims();
        claims.push(format!("Development of {}: {}", self.who(), place(arena)));
        let rows = self.sql(&format!("SELECT step, class, period_m FROM units WHERE run = '{}' AND arena = '{arena}'", self.name));
        let steps: BTreeSet<u64> = rows.iter().map(|row| count(row, "step")).collect();
        let with_period =
            |step: &&u64| rows.iter().any(|row| count(row, "step") == **step && row["class"] == "grid" && !row["period_m"].is_null());
        let undefined = steps.len() - steps.iter().filter(with_period).count();
        if undefined > 0 {
            claims.push(format!("{undefined} undefined"));
        }
        claims
    }

    /// "Seed 3: grid 40, dead 10; 2 modules (0.61, 0.86 m); coherence 0.93 (chance 0.31)."
    pub(super) fn note(&self) -> String {
        let arena = &self.arenas()[self.smallest()];
        let mut classes: Vec<(String, usize)> = Vec::new();
        for row in self.ranked(arena) {
            match classes.iter_mut().find(|(class, _)| class == text(&row, "class")) {
                Some((_, units)) => *units += 1,
                None => classes.push((text(&row, "class").to_owned(), 1)),
            }
        }
        classes.sort();
        let classes: Vec<String> = classes.iter().map(|(class, units)| format!("{class} {units}")).collect();
        assert!(self.modules(arena).is_empty(), "the small network has none");
        let row = self.generalization(arena);
        let [coherence, chance] = ["spatial_coherence_corrected", "spatial_coherence_chance"].map(|key| number(&row, key));
        format!("Seed {}: {}; no module; coherence {coherence:.2} (chance {chance:.2}).", self.config["seed"], classes.join(", "))
    }
}
