//! From units' lattices to modules.

use super::chance::{chance, near_by_chance};
use super::evidence::{Combined, UnitLattices, combine, mean};
use super::mixture::{Gaussian, fit, noise_scale, relative};
use super::refinement::{Refinement, refinement};
use super::stability::{Stability, stability};
use super::strain::{Triad, coordinates, distance, is_band, period_m};
use crate::config::ModulesConfig;
use crate::lattice::{self, LatticeShape, Wave};
use gridlake_space::seed::Seed;
use rayon::prelude::*;

/// The modules of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Modules {
    /// One entry per unit given, in order.
    pub units: Vec<ModuleUnit>,
    /// By rising period; bands' modules stand among them, with shape [`LatticeShape::Band`].
    pub modules: Vec<Module>,
    /// How well the labels as a whole come back in subsamples.
    pub stability: Stability,
    /// For every pair of lattices (not bands), how the finer is related to the coarser: by coarser, then by finer.
    pub refinements: Vec<Refinement>,
}

/// A unit's membership.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleUnit {
    /// Index of the unit.
    pub unit: usize,
    /// Label of its module (from 0, by rising period): the same in every arena. `None`: takes no part or is unassigned, see `takes_part`.
    pub module: Option<usize>,
    /// Whether it has a lattice or a band in at least half of the arenas, by its own maps or by agreement with its module. Without, the label is not applicable
    /// rather than unassigned.
    pub takes_part: bool,
    /// Why it has this label.
    pub reason: String,
    /// Arenas in which it has its lattice.
    pub arenas: Vec<usize>,
    /// Arenas whose map shows another lattice than most do (flagged; not used).
    pub differing_arenas: Vec<usize>,
    /// Its waves over all arenas, cycles per metre; NaN where it takes no part.
    pub waves: [Wave; 3],
}

impl ModuleUnit {
    /// As the tables have it: the label, -1 = unassigned, `None` = not applicable.
    pub fn label(&self) -> Option<i64> {
        match self.module {
            Some(module) => Some(module as i64),
            None => self.takes_part.then_some(-1),
        }
    }
}

/// A module over all arenas.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// Its units' indices.
    pub units: Vec<usize>,
    /// k₁, k₂, k₃ in cycles per metre: the members' mean with weights 1/se²; a band has NaN beyond k₁.
    pub waves: [Wave; 3],
    /// The lattice's shape.
    pub shape: LatticeShape,
    /// Period in metres (a band's: its wavelength).
    pub period_m: f64,
    /// Period of the next larger module of the same kind (lattices or bands) over this one's; NaN for the last.
    pub ratio_to_next: f64,
    /// BIC of the mixture in its linkage group.
    pub bic: f64,
    /// BIC of a single component in that group, less `bic`: 0 where one component was best.
    pub bic_gain: f64,
    /// Mean over subsamples of the largest Jaccard index with a module found there (Hennig 2007): above 0.75 is stable, under 0.5 is dissolved.
    pub stability: f64,
    /// Expected number of modules as large if units' orientations were independent, up to 1: above some 5 %, chance alone may have made it.
    pub chance: f64,
}

/// Participants with what does not change between subsamples.
pub(super) struct Population<'a> {
    pub(super) units: Vec<Combined>,
    neighbours: Vec<Vec<usize>>,
    config: &'a ModulesConfig,
}

/// Why a participant is in no module, or which cluster it is in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    Cluster(usize),
    Outside(String),
}

pub(super) struct Clusters {
    /// Per participant; those not in the sample are outside.
    pub(super) places: Vec<Place>,
    pub(super) found: Vec<Cluster>,
}

pub(super) struct Cluster {
    pub(super) members: Vec<usize>,
    bic: f64,
    bic_gain: f64,
    gate: Gate,
}

/// Which lattices are a module's.
struct Gate {
    /// The lattice that coordinates are taken near.
    seat: Triad,
    /// What one is, in coordinates.
    scale: f64,
    gaussian: Gaussian,
    limit: f64,
}

impl Gate {
    /// Squared Mahalanobis distance over what is allowed: up to 1 is inside. A unit may be as uncertain as it is.
    fn excess(&self, point: &[f64], relative_se: f64) -> f64 {
        self.gaussian.squared_distance(point) / (self.limit * (relative_se / self.scale).powi(2).max(1.0))
    }
}

/// Finds the modules of a run.
///
/// * `units`: each unit's lattices, the same arenas in the same order.
/// * `seed`: streams `analysis/modules/…` start the mixtures and draw the subsamples; the result does not depend on the number of threads.
///
/// No unit, or none with a lattice, gives no modules. Time and memory: units² for the neighbours (16 bytes for each pair of neighbours).
pub fn find(units: &[UnitLattices], config: &ModulesConfig, seed: Seed) -> Modules {
    let combined: Vec<Result<Combined, String>> = units.iter().map(|unit| combine(unit, config)).collect();
    let at: Vec<usize> = (0..units.len()).filter(|&i| combined[i].is_ok()).collect();
    let population = Population::new(combined.iter().filter_map(|c| c.as_ref().ok().cloned()).collect(), config);
    let all: Vec<usize> = (0..population.units.len()).collect();
    let clusters = population.cluster(&all, config.min_units, config.starts, seed);
    let shares = stability(&population, &clusters, seed);
    // Order by period.
    let made: Vec<(Triad, f64)> = clusters
        .found
        .iter()
        .map(|cluster| {
            let waves = population.mean(&cluster.members);
            (waves, period_m(&waves))
        })
        .collect();
    let mut order: Vec<usize> = (0..made.len()).collect();
    order.sort_by(|&a, &b| made[a].1.total_cmp(&made[b].1));
    let mut rank = vec![0; order.len()];
    order.iter().enumerate().for_each(|(new, &old)| rank[old] = new);
    let mut modules: Vec<Module> = order
        .iter()
        .map(|&old| {
            let (waves, period_m) = made[old];
            let cluster = &clusters.found[old];
            Module {
                units: cluster.members.iter().map(|&member| units[at[member]].unit).collect(),
                waves,
                shape: if is_band(&waves) { LatticeShape::Band } else { lattice::shape(&waves) },
                period_m,
                ratio_to_next: f64::NAN,
                bic: cluster.bic,
                bic_gain: cluster.bic_gain,
                stability: shares.jaccard[old],
                chance: population.chance(&all, &clusters, old, cluster.members.len(), &waves),
            }
        })
        .collect();
    for i in 0..modules.len() {
        let next = (i + 1..modules.len()).find(|&j| (modules[i].shape == LatticeShape::Band) == (modules[j].shape == LatticeShape::Band));
        if let Some(next) = next {
            modules[i].ratio_to_next = modules[next].period_m / modules[i].period_m;
        }
    }
    let mut entries: Vec<ModuleUnit> = units
        .iter()
        .zip(&combined)
        .map(|(unit, combined)| ModuleUnit {
            unit: unit.unit,
            module: None,
            takes_part: combined.as_ref().is_ok_and(|c| c.weak_p.is_none()),
            reason: combined.as_ref().err().cloned().unwrap_or_default(),
            arenas: combined.as_ref().map_or(Vec::new(), |c| c.arenas.clone()),
            differing_arenas: combined.as_ref().map_or(Vec::new(), |c| c.differing.clone()),
            waves: combined.as_ref().map_or([[f64::NAN; 2]; 3], |c| c.waves),
        })
        .collect();
    for (member, place) in clusters.places.iter().enumerate() {
        let entry = &mut entries[at[member]];
        match place {
            Place::Cluster(old) => {
                entry.module = Some(rank[*old]);
                entry.takes_part = true;
                let away = distance(&made[*old].0, &entry.waves);
                let by_agreement = population.units[member].weak_p.map(|p| format!("; by agreement, its own map alone has p = {p:.3}"));
                entry.reason = format!("its waves are within {:.1} % of the module's{}", 100.0 * away, by_agreement.unwrap_or_default());
            }
            Place::Outside(reason) => entry.reason.clone_from(reason),
        }
    }
    let mut refinements = Vec::new();
    for coarse in 0..modules.len() {
        for fine in 0..coarse {
            refinements.extend(refinement(&modules, coarse, fine, config.commensurate_tolerance));
        }
    }
    Modules { units: entries, modules, stability: shares.summary, refinements }
}

impl<'a> Population<'a> {
    fn new(units: Vec<Combined>, config: &'a ModulesConfig) -> Self {
        let near = |a: &Combined, b: &Combined| {
            let log_ratio = (period_m(&a.waves) / period_m(&b.waves)).ln().abs();
            is_band(&a.waves) == is_band(&b.waves)
                && log_ratio < 4.0 * config.link_radius
                && distance(&a.waves, &b.waves) <= config.link_radius
        };
        let neighbours = (0..units.len())
            .into_par_iter()
            .map(|i| (0..units.len()).filter(|&j| j != i && near(&units[i], &units[j])).collect())
            .collect();
        Self { units, neighbours, config }
    }

    /// The weighted mean lattice of members.
    fn mean(&self, members: &[usize]) -> Triad {
        let seat = self.seat(members);
        mean(&self.units[seat].waves, &members.iter().map(|&m| &self.units[m]).collect::<Vec<_>>())
    }

    /// The member with most neighbours among them (ties: the surest, then the first).
    fn seat(&self, members: &[usize]) -> usize {
        let mut inside = vec![false; self.units.len()];
        for &m in members {
            inside[m] = true;
        }
        let votes = |m: usize| self.neighbours[m].iter().filter(|&&other| inside[other]).count();
        members.iter().copied().fold(members[0], |best, m| {
            let (ours, theirs) = (votes(m), votes(best));
            if ours > theirs || (ours == theirs && self.units[m].se < self.units[best].se) { m } else { best }
        })
    }

    /// Clusters of the participants in `sample` (rising), each of at least `min_units`.
    pub(super) fn cluster(&self, sample: &[usize], min_units: usize, starts: usize, seed: Seed) -> Clusters {
        let mut stream = seed.stream("analysis/modules/mixture", 0);
        let starts: Vec<u64> = (0..starts).map(|_| stream.bits()).collect();
        let mut places = vec![Place::Outside("not in the sample".to_owned()); self.units.len()];
        let mut found = Vec::new();
        let groups = self.groups(sample, min_units, &mut places);
        for group in groups {
            self.split(&group, min_units, &starts, &mut places, &mut found);
        }
        self.adopt(sample, &mut places, &mut found);
        let mut clusters = Clusters { places, found };
        self.confirm(sample, min_units, &mut clusters);
        clusters
    }

    /// Step 1: linkage.
    fn groups(&self, sample: &[usize], min_units: usize, places: &mut [Place]) -> Vec<Vec<usize>> {
        let mut inside = vec![false; self.units.len()];
        for &m in sample {
            inside[m] = true;
        }
        let near = |m: usize| self.neighbours[m].iter().copied().filter(|&other| inside[other]);
        let core: Vec<bool> = (0..self.units.len()).map(|m| inside[m] && near(m).count() + 1 >= min_units).collect();
        let mut group = vec![usize::MAX; self.units.len()];
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for &start in sample {
            if !core[start] || group[start] != usize::MAX {
                continue;
            }
            let number = groups.len();
            let mut open = vec![start];
            group[start] = number;
            let mut members = Vec::new();
            while let Some(m) = open.pop() {
                members.push(m);
                if core[m] {
                    for other in near(m) {
                        if group[other] == usize::MAX {
                            group[other] = number;
                            open.push(other);
                        }
                    }
                }
            }
            members.sort_unstable();
            groups.push(members);
        }
        for &m in sample.iter().filter(|&&m| group[m] == usize::MAX) {
            let others = near(m).count();
            places[m] = Place::Outside(format!(
                "{others} other units within {:.0} % of its waves; a module needs {min_units} units",
                100.0 * self.config.link_radius
            ));
        }
        groups
    }

    /// Steps 2 and 3: mixture and gate.
    fn split(&self, group: &[usize], min_units: usize, starts: &[u64], places: &mut [Place], found: &mut Vec<Cluster>) {
        let seat = self.units[self.seat(group)].waves;
        let mut members = Vec::new();
        let mut points = Vec::new();
        for &m in group {
            match coordinates(&seat, &self.units[m].waves) {
                Some(point) => {
                    members.push(m);
                    points.push(point);
                }
                None => places[m] = Place::Outside("its lattice cannot be compared with its group's".to_owned()),
            }
        }
        let se: Vec<f64> = members.iter().map(|&m| relative(self.units[m].se, &self.units[m].waves)).collect();
        let scale = noise_scale(&points, &se).max(self.config.noise_floor);
        points.iter_mut().flatten().for_each(|x| *x /= scale);
        let most = (members.len() / min_units.max(1)).clamp(1, self.config.max_components);
        let mixture = fit(&points, most, starts, self.config.bic_margin, self.config.separation);
        let bic = mixture.bic.get(mixture.components - 1).copied().unwrap_or(f64::NAN);
        let bic_gain = mixture.bic.first().map_or(f64::NAN, |one| one - bic);
        let mut labels: Vec<usize> = mixture.labels.clone();
        labels.sort_unstable();
        labels.dedup();
        let dimensions = points.first().map_or(0, Vec::len);
        let limit = chi_square_quantile(self.config.outlier_p, dimensions);
        for label in labels {
            let of: Vec<usize> = (0..members.len()).filter(|&i| mixture.labels[i] == label).collect();
            let mut kept = of.clone();
            let mut gate = None;
            for _ in 0..3 {
                let gaussian = Gaussian::of(&kept.iter().map(|&i| points[i].as_slice()).collect::<Vec<_>>(), 1.0);
                gate = gaussian.map(|gaussian| Gate { seat, scale, gaussian, limit });
                let Some(gate) = &gate else { break };
                let next: Vec<usize> = of.iter().copied().filter(|&i| gate.excess(&points[i], se[i]) <= 1.0).collect();
                if next == kept || next.is_empty() {
                    break;
                }
                kept = next;
            }
            let number = found.len();
            let enough = kept.len() >= min_units && gate.is_some();
            for &i in &of {
                places[members[i]] = if !kept.contains(&i) {
                    let away = gate.as_ref().map_or(f64::NAN, |gate| gate.gaussian.squared_distance(&points[i]).sqrt());
                    Place::Outside(format!("{away:.1} standard deviations from the nearest module's lattice"))
                } else if enough {
                    Place::Cluster(number)
                } else {
                    Place::Outside(format!("shares its lattice with {} other units; a module needs {min_units} units", kept.len() - 1))
                };
            }
            if let (true, Some(gate)) = (enough, gate) {
                found.push(Cluster { members: kept.iter().map(|&i| members[i]).collect(), bic, bic_gain, gate });
            }
        }
    }

    /// Step 4: who is outside, but inside a module's gate, and as near to its mean as a link or three of its own standard errors.
    fn adopt(&self, sample: &[usize], places: &mut [Place], found: &mut [Cluster]) {
        let means: Vec<Triad> = found.iter().map(|cluster| self.mean(&cluster.members)).collect();
        for &m in sample {
            if matches!(places[m], Place::Cluster(_)) {
                continue;
            }
            let unit = &self.units[m];
            let se = relative(unit.se, &unit.waves);
            let reach = self.config.link_radius.max(3.0 * se);
            let mut nearest: Option<(usize, f64)> = None;
            for (number, cluster) in found.iter().enumerate() {
                let Some(point) = coordinates(&cluster.gate.seat, &unit.waves) else { continue };
                let scaled: Vec<f64> = point.iter().map(|x| x / cluster.gate.scale).collect();
                let excess = cluster.gate.excess(&scaled, se);
                if excess <= 1.0 && distance(&means[number], &unit.waves) <= reach && nearest.is_none_or(|(_, least)| excess < least) {
                    nearest = Some((number, excess));
                }
            }
            if let Some((number, _)) = nearest {
                places[m] = Place::Cluster(number);
                let members = &mut found[number].members;
                members.insert(members.partition_point(|&other| other < m), m);
            }
        }
    }

    /// Step 5: which of those with weak evidence belong to their module, and which modules are beyond chance without enough others.
    fn confirm(&self, sample: &[usize], min_units: usize, clusters: &mut Clusters) {
        let (alpha, radius) = (self.config.agreement_alpha, self.config.link_radius / 2.0);
        let mut dissolved = vec![false; clusters.found.len()];
        for (number, dissolved) in dissolved.iter_mut().enumerate() {
            let members = clusters.found[number].members.clone();
            let shown = members.iter().filter(|&&m| self.units[m].weak_p.is_none()).count();
            if shown == members.len() {
                continue;
            }
            let waves = self.mean(&members);
            let mut kept = Vec::new();
            for m in members {
                let unit = &self.units[m];
                let Some(p) = unit.weak_p else {
                    kept.push(m);
                    continue;
                };
                let away = distance(&waves, &unit.waves);
                if away <= radius && p * near_by_chance(&waves, &unit.waves, radius) <= alpha {
                    kept.push(m);
                } else {
                    let reason = format!(
                        "its own map does not show a lattice (p = {p:.3}), and {:.1} % from a module's is not near enough",
                        100.0 * away
                    );
                    clusters.places[m] = Place::Outside(reason);
                }
            }
            let expected = if shown < min_units { self.chance(sample, clusters, number, kept.len(), &waves) } else { 0.0 };
            if kept.len() < min_units || expected > alpha {
                *dissolved = true;
                let others = kept.len().saturating_sub(1);
                for &m in &kept {
                    clusters.places[m] = Place::Outside(if kept.len() < min_units {
                        format!("shares its lattice with {others} other units; a module needs {min_units} units")
                    } else {
                        format!(
                            "shares its lattice with {others} other units, most of whose own maps do not show it; {expected:.2} such groups are expected by chance"
                        )
                    });
                }
            }
            clusters.found[number].members = kept;
        }
        let mut gone = dissolved.into_iter();
        clusters.found.retain(|_| gone.next() == Some(false));
        for (number, cluster) in clusters.found.iter().enumerate() {
            for &m in &cluster.members {
                clusters.places[m] = Place::Cluster(number);
            }
        }
    }

    /// Whether `size` units of this sample would meet by chance around the lattice of a cluster.
    fn chance(&self, sample: &[usize], clusters: &Clusters, number: usize, size: usize, waves: &Triad) -> f64 {
        let candidate = |m: &&usize| !matches!(clusters.places[**m], Place::Cluster(other) if other != number);
        let candidates: Vec<&Combined> = sample.iter().filter(candidate).map(|&m| &self.units[m]).collect();
        chance(waves, size, &candidates, self.config.link_radius)
    }

    pub(super) fn config(&self) -> &ModulesConfig {
        self.config
    }
}

/// The value that a χ² variable of 2 or 4 degrees of freedom exceeds with probability `p`; both have closed survival functions, `e^{-x/2}` and
/// `(1 + x/2) e^{-x/2}`.
fn chi_square_quantile(p: f64, degrees: usize) -> f64 {
    let survival = |x: f64| if degrees <= 2 { (-x / 2.0).exp() } else { (1.0 + x / 2.0) * (-x / 2.0).exp() };
    let (mut low, mut high) = (0.0, 200.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if survival(middle) > p { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        assert!((chi_square_quantile(0.001, 4) - 18.467).abs() < 1e-3 && (chi_square_quantile(0.05, 2) - 5.991).abs() < 1e-3);
    }
}
