//! Claims about modules' states.

use super::run::Run;
use super::words::{count, number, p_value, short, text, thousands};
use serde_json::Value;
use std::collections::BTreeSet;

impl Run {
    pub(super) fn states(&self, module: i64) -> String {
        let states = self.ask("COUNT(*) AS states", "embedding", &format!("AND module = {module} AND e1 IS NOT NULL"));
        let neighbors = &self.config["analyze"]["embedding"]["neighbors"];
        assert_eq!(text(&self.torus(module), "embedding_method"), "spectral");
        format!("Module {module}: {} states, spectral embedding, {neighbors} nearest neighbours", thousands(count(&states[0], "states")))
    }

    pub(super) fn rings(&self, module: i64) -> Vec<String> {
        let (torus, mut claims) = (self.torus(module), Vec::new());
        let mut most = 0;
        for ring in 1..=3 {
            let z = self.ask(
                &format!("ring{ring}_re AS re, ring{ring}_im AS im"),
                "embedding",
                &format!("AND module = {module} AND ring{ring}_re IS NOT NULL"),
            );
            let mut moduli: Vec<f64> = z.iter().map(|z| number(z, "re").hypot(number(z, "im"))).collect();
            moduli.sort_by(f64::total_cmp);
            let states = moduli.len();
            most = most.max(states);
            claims.push(format!("Ring {ring}: {} states", thousands(states as u64)));
            if states == 0 {
                continue;
            }
            let mean = moduli.iter().sum::<f64>() / states as f64;
            let variance = moduli.iter().map(|modulus| (modulus - mean).powi(2)).sum::<f64>() / states as f64;
            claims.push(format!("mean |z| {}, CV {}", short(mean), short(variance.sqrt() / mean)));
            let sectors: BTreeSet<i64> = z
                .iter()
                .map(|z| (number(z, "im").atan2(number(z, "re")).rem_euclid(std::f64::consts::TAU) / 10_f64.to_radians()) as i64)
                .collect();
            let coverage = (1000.0 * sectors.len() as f64 / 36.0).round() / 10.0;
            claims.push(format!("hole {}, coverage {coverage} %", short(number(&torus, &format!("ring{ring}_hole")))));
            // A quantile: hardly more lie below it, and hardly fewer up to it, where many are 0.
            let hole = mean * number(&torus, &format!("ring{ring}_hole"));
            let share = |inside: &dyn Fn(f64) -> bool| moduli.iter().filter(|modulus| inside(**modulus)).count() as f64 / states as f64;
            let (below, up_to) = (share(&|modulus| modulus < hole), share(&|modulus| modulus <= hole));
            assert!(below < 0.06 && up_to > 0.04, "5 % of the states lie within the hole: {below} to {up_to}");
        }
        claims.push(format!("Module {module}: {} states", thousands(most as u64)));
        claims
    }

    pub(super) fn barcodes(&self, module: i64) -> Vec<String> {
        let torus = self.torus(module);
        let mut claims = vec![format!("Module {module}: {} points. {}", torus["points"], text(&torus, "reason"))];
        for (dimension, p) in ["", "p_h1_first", "p_h2"].into_iter().enumerate() {
            let bars =
                self.ask("COUNT(*) AS bars", "barcodes", &format!("AND module = {module} AND source = 'data' AND dimension = {dimension}"));
            let bars = count(&bars[0], "bars");
            let most = if bars > 30 { ", longest 30 drawn" } else { "" };
            let p = if p.is_empty() { String::new() } else { format!("; longest finite bar: {}", p_value(number(&torus, p))) };
            claims.push(format!(
                "H {dimension} : {bars} bar{}{most}; {} beyond the null{p}",
                if bars == 1 { "" } else { "s" },
                torus[format!("betti{dimension}")]
            ));
        }
        let alpha = &self.config["analyze"]["torus"]["alpha"];
        claims.push(format!("Null: chance at the level {alpha}, {} surrogates", torus["surrogates"]));
        claims
    }

    pub(super) fn torus_maps(&self, module: i64) -> Vec<String> {
        let maps = self.ask("unit, rate", "torus_maps", &format!("AND module = {module}"));
        let ranked = self.ranked(text(&self.torus(module), "arena"));
        let drawn: Vec<String> = ranked
            .iter()
            .filter_map(|row| {
                let map = maps.iter().find(|map| map["unit"] == row["unit"])?;
                let highest = map["rate"].as_array().unwrap().iter().filter_map(Value::as_f64).fold(f64::NAN, f64::max);
                Some(format!("{} unit {}", short(highest), row["unit"]))
            })
            .take(42)
            .collect();
        let all = if maps.len() > drawn.len() { format!(" of {}", maps.len()) } else { String::new() };
        vec![format!("Module {module}: {}{all} units; at the right", drawn.len()), drawn.join(" ")]
    }
}
