//! Claims about units and their modules.

use super::run::Run;
use super::words::{count, median, metres, minus, number, p_value, scale, short, text, units};
use serde_json::Value;

const SCORES: [(&str, &str); 6] = [
    ("Grid score (Sargolini)", "grid_score_p"),
    ("Grid score (Banino)", "grid_score_banino_p"),
    ("90° score", "square_score_p"),
    ("Unevenness of waves", "periodicity_p"),
    ("Border score", "border_score_p"),
    ("Wall score", "wall_score_p"),
];

/// After which turn a module's lattice is the same.
pub(super) fn turn_deg(module: &Value) -> f64 {
    match text(module, "lattice_shape") {
        "square" => 90.0,
        "rectangular" => 180.0,
        _ => 60.0,
    }
}

impl Run {
    pub(super) fn sheet(&self, arena: &str, table: &str) -> Vec<String> {
        let rows = self.ranked(arena);
        let (active, dead): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| row["active"] == true);
        let each: Vec<String> = active
            .iter()
            .map(|row| {
                let score = number(row, "grid_score_sargolini");
                let score = if score.is_nan() { "–".to_owned() } else { minus(&format!("{score:.2}")) };
                format!("#{} {score}{}", row["unit"], if row["above_null"] == true { "*" } else { "" })
            })
            .collect();
        let mut classes: Vec<(&str, usize, usize)> = Vec::new();
        for row in &active {
            let above = usize::from(row["above_null"] == true);
            match classes.iter_mut().find(|(class, ..)| *class == text(row, "class")) {
                Some((_, significant, all)) => (*significant, *all) = (*significant + above, *all + 1),
                None => classes.push((text(row, "class"), above, 1)),
            }
        }
        classes.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(b.0)));
        let classes: Vec<String> = classes.iter().map(|(class, significant, all)| format!("{significant} of {all} {class}")).collect();
        let (side, size) = if table == "ratemaps" { ("bins", "Panel: arena of") } else { ("lags", "Panel: lags over") };
        let extent = self.extent_m(table, side, arena);
        let mut claims = vec![
            format!("{} sorted by grid score (Sargolini)", units(active.len())),
            each.join(" "),
            format!("{} {size} {} × {}", scale(extent), metres(extent), metres(extent)),
            format!("Grid score (Sargolini) above own 99 % null: {}", classes.join(", ")),
        ];
        let mut dead: Vec<u64> = dead.iter().map(|row| count(row, "unit")).collect();
        dead.sort_unstable();
        if !dead.is_empty() {
            let numbers: Vec<String> = dead.iter().map(u64::to_string).collect();
            claims.push(format!("{} dead unit{}: {}", dead.len(), if dead.len() == 1 { "" } else { "s" }, numbers.join(", ")));
        }
        claims
    }

    pub(super) fn module_units(&self, arena: &str) -> Vec<String> {
        let rows = self.ranked(arena);
        let most = self.config["draw"]["module_units"].as_u64().unwrap() as usize;
        let of = |module: i64| rows.iter().filter(move |row| row["module"] == module).collect::<Vec<&Value>>();
        let shown = |module: i64| self.peaks(arena, &of(module).into_iter().take(most).collect::<Vec<&Value>>());
        let mut claims: Vec<String> = Vec::new();
        for module in self.modules(arena) {
            let (label, period, spread) = (module["module"].as_i64().unwrap(), number(&module, "period_m"), number(&module, "period_sd_m"));
            let decimals = if spread < 0.005 { 3 } else { 2 };
            let period = if spread.is_nan() { format!("{period:.2} m") } else { format!("{period:.decimals$} ± {spread:.decimals$} m") };
            let orientation = number(&module, "orientation_rad").to_degrees();
            let turned = if orientation.is_nan() { String::new() } else { minus(&format!(", orientation {orientation:.0}°")) };
            let (counted, shape) = (units(count(&module, "units") as usize), text(&module, "lattice_shape"));
            claims.push(format!("Module {label}: period {period}{turned}, {counted}, {shape} {}", shown(label)));
        }
        if !of(-1).is_empty() {
            claims.push(format!("In no module: {} {}", units(of(-1).len()), shown(-1)));
        }
        let [rates, lags] = [self.extent_m("ratemaps", "bins", arena), self.extent_m("autocorrelograms", "lags", arena)];
        claims.push(format!("{} Ratemap: {} × {}", scale(rates), metres(rates), metres(rates)));
        claims.push(format!("{} Autocorrelogram: lags over {} × {}", scale(lags), metres(lags), metres(lags)));
        claims
    }

    pub(super) fn scatter(&self, arena: &str) -> Vec<String> {
        let rows = self.ranked(arena);
        let with = |row: &&Value| !row["period_m"].is_null() && !row["orientation_rad"].is_null();
        let all: Vec<&Value> = rows.iter().filter(|row| !row["module"].is_null()).collect();
        let shown: Vec<&Value> = all.iter().copied().filter(with).collect();
        let left_out = all.len() - shown.len();
        let missing = if left_out > 0 { format!("; {} without a lattice not drawn", units(left_out)) } else { String::new() };
        let mut claims = vec![format!("{}{missing}", units(shown.len()))];
        let mut periods = Vec::new();
        for module in self.modules(arena) {
            let label = module["module"].as_i64().unwrap();
            let of: Vec<&&Value> = all.iter().filter(|row| row["module"] == label).collect();
            let period = median(of.iter().map(|row| number(row, "period_m")).collect());
            let turned = of.iter().any(|row| !row["orientation_rad"].is_null()) && !module["orientation_rad"].is_null();
            let told = if period.is_nan() || !turned { String::new() } else { format!("median {}, ", metres(period)) };
            if !told.is_empty() {
                periods.push(period);
            }
            let drawn = shown.iter().filter(|row| row["module"] == label).count();
            let drawn = if drawn == 0 { "no unit with a lattice".to_owned() } else { units(drawn) };
            claims.push(format!("Module {label}: {told}{drawn}"));
        }
        let outside = shown.iter().filter(|row| row["module"] == -1).count();
        if outside > 0 {
            claims.push(format!("In no module: {}", units(outside)));
        }
        periods.sort_by(f64::total_cmp);
        claims.extend(periods.windows(2).map(|pair| format!("×{}", short(pair[1] / pair[0]))));
        let fold = self.modules(arena).iter().map(turn_deg).fold(60.0, f64::max);
        claims.push(format!("modulo {fold}°"));
        claims
    }

    pub(super) fn spectra(&self, arena: &str) -> Vec<String> {
        let modules = self.modules(arena);
        let mut claims: Vec<String> = Vec::new();
        let mut all = 0;
        for module in &modules {
            let label = module["module"].as_i64().unwrap();
            let members = self.members(arena, label).len();
            all += members;
            claims.push(format!("Module {label}: {}", units(members)));
        }
        if modules.len() > 1 {
            claims.push(format!("All {}", units(all)));
        }
        claims.push(format!("mod {})", modules.iter().map(turn_deg).fold(60.0, f64::max)));
        claims.extend(modules.iter().map(|module| format!("Module {}", module["module"])));
        claims
    }

    pub(super) fn phases_of(&self, arena: &str, module: i64) -> Option<String> {
        let members = self.members(arena, module);
        let with = members.iter().filter(|row| ["phase1", "phase2", "phase3"].iter().all(|phase| !row[phase].is_null())).count();
        let missing = members.len() - with;
        let missing = if missing > 0 { format!("; {} without phases", units(missing)) } else { String::new() };
        let row = self.module(arena, module);
        let even = number(&row, "phase_evenness_p");
        let even = if even.is_nan() { String::new() } else { format!("; more even than chance: {}", p_value(even)) };
        let draws = &self.config["analyze"]["modules"]["draws"];
        let uniform = p_value(number(&row, "phase_uniformity_p"));
        (with > 0).then(|| {
            format!(
                "Module {module}: {}{missing}. Less even than uniform on the torus: {uniform}{even} (Sobolev test on the torus, {draws} draws)",
                units(with)
            )
        })
    }

    pub(super) fn scores(&self, arena: &str) -> Vec<String> {
        let rows: Vec<Value> = self.ranked(arena).into_iter().filter(|row| row["active"] == true).collect();
        let mut claims = vec![format!("{} active units. Each is tested", rows.len())];
        for (name, column) in SCORES {
            let mut p: Vec<f64> = rows.iter().map(|row| number(row, column)).filter(|p| !p.is_nan()).collect();
            p.sort_by(f64::total_cmp);
            let significant = p.iter().filter(|p| **p <= 0.01).count();
            // Benjamini and Hochberg: up to the last p-value below its share of the rate.
            let below = |rank: &usize| p[*rank - 1] <= 0.05 * *rank as f64 / p.len() as f64 + 1e-12;
            let controlled = (1..=p.len()).rev().find(below).unwrap_or(0);
            claims.push(format!("{name} {significant} of {} with p ≤ 0.01; {controlled} at a false-discovery rate of 5 %", p.len()));
        }
        claims
    }
}
