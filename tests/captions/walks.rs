//! Claims about distances, velocities, decoding and periods in several arenas.

use super::run::Run;
use super::words::{count, minus, number, place, short, text};
use serde_json::Value;
use std::collections::BTreeSet;

impl Run {
    pub(super) fn half_rise(&self, arena: &str) -> Vec<String> {
        let row = self.generalization(arena);
        let mm = |key: &str| format!("{:.1}", 1e3 * number(&row, key));
        if !row["half_rise_m"].is_null() {
            return vec![format!("Half of chance at {} ± {} mm; σ x = {} mm", mm("half_rise_m"), mm("half_rise_se_m"), mm("sigma_x_m"))];
        }
        let early = !row["half_rise_in_training_m"].is_null();
        let [half, error] = ["half_rise_in_training_m", "half_rise_in_training_se_m"].map(mm);
        if early { vec![format!("Half of chance within training's length: {half} ± {error} mm")] } else { Vec::new() }
    }

    pub(super) fn chance(&self, arena: &str) -> String {
        format!("Chance, {}", short(number(&self.generalization(arena), "chance_distance")))
    }

    /// Of training and of an arena, or of all arenas.
    pub(super) fn velocities(&self, arena: Option<&str>) -> Vec<String> {
        let batch = count(&self.phases().last().unwrap().1["data"], "batch");
        let told = |row: &Value| {
            let (trajectories, length) = (count(row, "trajectories"), count(row, "length_steps"));
            let training = text(row, "source") == "training";
            let of = if training { "Training".to_owned() } else { format!("Evaluation, {}", place(text(row, "arena"))) };
            let distinct =
                if training { format!(", {} distinct velocities", trajectories.div_ceil(batch) * length) } else { String::new() };
            let mm = |key: &str| format!("{:.0}", 1e3 * number(row, key));
            let correlation = minus(&format!("{:.2}", number(row, "velocity_correlation")));
            format!(
                "{of} {trajectories} trajectories of {length} steps{distinct} Speed {} mm/step, quartiles {} to {} Turn from step to step {:.0}° Correlation of successive velocities {correlation} \
                 Farthest from the start {:.2} m (median), {:.2} m (of all)",
                mm("mean_speed_m"),
                mm("speed_q25_m"),
                mm("speed_q75_m"),
                number(row, "mean_turn_rad").to_degrees(),
                number(row, "median_extent_m"),
                number(row, "extent_m"),
            )
        };
        let rows = self.ask("*", "trajectories", "");
        let wanted = |row: &&Value| row["arena"].is_null() || arena.is_none_or(|arena| text(row, "arena") == arena);
        rows.iter().filter(wanted).map(told).collect()
    }

    /// What is said of a code that repeats within the arena.
    pub(super) fn repeats(&self, arena: &str) -> Vec<String> {
        let modules = self.ask("period_m, box_m", "generalization", &format!("AND arena = '{arena}' AND module IS NOT NULL"));
        match modules.as_slice() {
            [one] if number(one, "period_m") < number(one, "box_m") => {
                vec![format!("One module: its period of {:.2} m repeats within the box", number(one, "period_m"))]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn periods(&self) -> Vec<String> {
        let rows = self.ask("module, period_m", "generalization", "AND module IS NOT NULL");
        let modules: BTreeSet<String> = rows.iter().map(|row| format!("Module {}", row["module"])).collect();
        let missing = rows.iter().filter(|row| row["period_m"].is_null()).count();
        let missing = match missing {
            0 => None,
            1 => Some("1 period without a number not drawn".to_owned()),
            _ => Some(format!("{missing} periods without a number not drawn")),
        };
        modules.into_iter().chain(missing).collect()
    }

    /// Fig. 5 on one page: distances and velocities of the largest arena.
    pub(super) fn page(&self) -> Vec<String> {
        let largest = self.largest();
        let heading = self.half_rise(&largest).into_iter().map(|says| format!("{}. {says}", place(&largest)));
        let arenas = self.arenas();
        [
            vec![format!("Generalization of {}{}", self.who(), self.when()), self.chance(&largest)],
            arenas.iter().map(|arena| place(arena)).collect(),
            heading.collect(),
            self.velocities(Some(&largest)),
            arenas.iter().map(|arena| self.same_units(arena)).collect(),
        ]
        .concat()
    }
}
