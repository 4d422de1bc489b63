//! Surrogate populations: every unit keeps its map, its noise and its rates, and loses its relation to the others.
//!
//! A surrogate gives unit `u` at a moment of position `x` the activity that it had at the moment whose position is nearest to `g_u(x)`. The `g_u` are random and
//! independent. What there is to choose from are all moments of the sample, so a surrogate has a network's (or an animal's) own values, and no other.
//!
//! | Arena | [`TorusNull::Shift`] | [`TorusNull::ShiftTurn`] |
//! |---|---|---|
//! | rectangle | a uniform shift, wrapped at the walls | one of the rectangle's symmetries (8 of a square, 4 of another), then such a shift |
//! | circle | a uniform rotation about the centre | a reflection or none, then such a rotation |
//!
//! Gardner et al. (2022) shift each cell's spikes in time instead. Spatial shifts are the harder null: all units of a surrogate still depend on one and
//! the same position, smoothly but for the seams where walls meet, so that its cloud is a crumpled sheet and not noise. Between seams, shifted cells of one module *are*
//! cells of that module; so a surrogate of a module keeps some of its loops, the more, the more periods the box has and the fewer units.
//! `docs/validation.md` has the lengths of both nulls. Where the box holds a whole number of periods there are no seams, and surrogates are tori as the module is
//! ([`keeps_lattice`]): nothing to hold it against.

use super::config::TorusNull;
use super::nearest::NearestMoment;
use super::waves::match_waves;
use crate::lattice::Wave;
use gridlake_space::arena::{Arena, ArenaShape};
use gridlake_space::seed::{Seed, Stream};
use ndarray::{Array2, ArrayView2, Zip};
use std::f64::consts::TAU;

/// The stream of surrogates; its index is the surrogate's number.
const STREAM: &str = "analysis/torus/surrogates";

/// Makes surrogates of a sample.
#[derive(Debug)]
pub(super) struct Surrogates<'a> {
    positions_m: &'a [[f64; 2]],
    arena: Arena,
    /// Units × moments: a unit's values lie side by side.
    by_unit: ArrayView2<'a, f32>,
    moments: NearestMoment,
    kind: TorusNull,
    seed: Seed,
}

impl<'a> Surrogates<'a> {
    /// Of a checked sample of at least one moment. `by_unit`: its activity, transposed.
    pub(super) fn new(positions_m: &'a [[f64; 2]], arena: Arena, by_unit: ArrayView2<'a, f32>, kind: TorusNull, seed: Seed) -> Self {
        Self { positions_m, arena, by_unit, moments: NearestMoment::new(positions_m, arena), kind, seed }
    }

    /// Surrogate number `index`: units × moments.
    pub(super) fn draw(&self, index: usize) -> Array2<f32> {
        let mut stream = self.seed.stream(STREAM, index as u64);
        let mut surrogate = Array2::zeros(self.by_unit.dim());
        for (own, mut taken) in self.by_unit.outer_iter().zip(surrogate.outer_iter_mut()) {
            let displacement = Displacement::draw(self.kind, self.arena, &mut stream);
            Zip::from(&mut taken)
                .and(self.positions_m)
                .for_each(|taken, &position| *taken = own[self.moments.nearest(displacement.of(position))]);
        }
        surrogate
    }
}

/// Largest jump of a wave's phase where a displaced map meets itself, in cycles, at which it still counts as the same wave.
const SEAMLESS: f64 = 0.1;
/// Largest distance between a turned wave and one of the lattice's, over the shorter wave, at which they count as the same.
const SAME_WAVE: f64 = 0.05;

/// Whether displaced units have the lattice of these two waves as before, and only other phases: the arena holds whole periods along both sides, and what turns
/// there are leave the lattice as it is.
pub(super) fn keeps_lattice(kind: TorusNull, arena: Arena, waves: [Wave; 2]) -> bool {
    if arena.shape == ArenaShape::Circle {
        return false;
    }
    let whole = |cycles: f64| (cycles - cycles.round()).abs() <= SEAMLESS;
    if !waves.iter().all(|k| whole(k[0] * arena.width_m) && whole(k[1] * arena.height_m)) {
        return false;
    }
    if kind == TorusNull::Shift {
        return true;
    }
    let same = |turn: &dyn Fn(Wave) -> Wave| {
        match_waves(waves.map(turn), waves).is_some_and(|found| found.same_lattice && found.misfit <= SAME_WAVE)
    };
    same(&|[x, y]| [-x, y]) && (arena.width_m != arena.height_m || same(&|[x, y]| [y, x]))
}

/// One unit's `g_u`.
#[derive(Debug, Clone, Copy)]
struct Displacement {
    /// Rows of an orthogonal matrix.
    turn: [[f64; 2]; 2],
    shift_m: [f64; 2],
    /// Sides of the rectangle at which places are wrapped; none in a circle.
    sides_m: Option<[f64; 2]>,
}

impl Displacement {
    fn draw(kind: TorusNull, arena: Arena, stream: &mut Stream) -> Self {
        let flip = |stream: &mut Stream| if kind == TorusNull::ShiftTurn && stream.below(2) == 1 { -1.0 } else { 1.0 };
        let sides = [arena.width_m, arena.height_m];
        match arena.shape {
            ArenaShape::Circle => {
                let (sign, (sine, cosine)) = (flip(stream), stream.uniform_in(0.0, TAU).sin_cos());
                Self { turn: [[cosine, -sign * sine], [sine, sign * cosine]], shift_m: [0.0; 2], sides_m: None }
            }
            ArenaShape::Rectangle => {
                let (x, y) = (flip(stream), flip(stream));
                let swap = kind == TorusNull::ShiftTurn && sides[0] == sides[1] && stream.below(2) == 1;
                let turn = if swap { [[0.0, x], [y, 0.0]] } else { [[x, 0.0], [0.0, y]] };
                Self { turn, shift_m: sides.map(|side| stream.uniform_in(0.0, side)), sides_m: Some(sides) }
            }
        }
    }

    fn of(&self, position_m: [f64; 2]) -> [f64; 2] {
        let [x, y] = position_m;
        let along = |axis: usize| {
            let place = self.turn[axis][0] * x + self.turn[axis][1] * y + self.shift_m[axis];
            self.sides_m.map_or(place, |sides| (place + sides[axis] / 2.0).rem_euclid(sides[axis]) - sides[axis] / 2.0)
        };
        [along(0), along(1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(arena: Arena, count: usize) -> Vec<[f64; 2]> {
        let mut stream = Seed(1).stream("positions", 0);
        let draw = || [stream.uniform_in(-0.5, 0.5) * arena.width_m, stream.uniform_in(-0.5, 0.5) * arena.height_m];
        std::iter::repeat_with(draw).filter(|at| arena.contains(at[0], at[1])).take(count).collect()
    }

    #[test]
    fn whole_periods_keep_the_lattice() {
        let box_of_two = Arena::square(2.0);
        let (along, hexagonal) = ([[2.0, 0.0], [0.0, 2.0]], [[2.0, 0.0], [1.0, 2.0]]);
        for kind in [TorusNull::Shift, TorusNull::ShiftTurn] {
            assert!(keeps_lattice(kind, box_of_two, along));
            assert!(keeps_lattice(kind, box_of_two, [[1.5, 0.02], [0.0, 1.5]]));
            assert!(keeps_lattice(kind, box_of_two, [[2.0, 0.0], [-2.0, 2.0]]), "another basis of the first");
            assert!(!keeps_lattice(kind, box_of_two, [[2.1, 0.0], [0.0, 2.1]]), "4.2 periods");
            assert!(!keeps_lattice(kind, Arena::circle(2.0), along), "turns about the middle");
            assert!(!keeps_lattice(kind, box_of_two, [[1.6, 1.2], [-1.2, 1.6]]), "turned by 37°");
        }
        // Whole along both walls; a reflection keeps it, but another quarter's turn does not.
        assert!(keeps_lattice(TorusNull::Shift, box_of_two, hexagonal));
        assert!(!keeps_lattice(TorusNull::ShiftTurn, box_of_two, hexagonal));
        // Turned as a whole it meets its own mirror image nowhere.
        assert!(!keeps_lattice(TorusNull::ShiftTurn, Arena::rectangle(2.0, 1.0), [[2.0, 1.0], [0.5, 3.0]]));
    }

    #[test]
    fn displaced_places_stay_in_the_arena_and_keep_their_measure() {
        for arena in [Arena::square(2.0), Arena::rectangle(3.0, 1.0), Arena::circle(1.5)] {
            for kind in [TorusNull::Shift, TorusNull::ShiftTurn] {
                let mut stream = Seed(2).stream("displacements", 0);
                for _ in 0..20 {
                    let displacement = Displacement::draw(kind, arena, &mut stream);
                    let [[a, b], [c, d]] = displacement.turn;
                    assert!(((a * d - b * c).abs() - 1.0).abs() < 1e-12);
                    for at in positions(arena, 50) {
                        let [x, y] = displacement.of(at);
                        assert!(arena.wall_distance_m(x, y) > -1e-9, "{arena:?} {kind:?}: {at:?} went to ({x}, {y})");
                    }
                }
            }
        }
    }

    #[test]
    fn a_surrogate_has_each_units_own_values_from_places_that_differ_between_units() {
        let arena = Arena::square(2.0);
        let positions_m = positions(arena, 4000);
        // All units have one map: x + 10 y; what a surrogate unit has tells where it looked.
        let activity =
            Array2::from_shape_fn((positions_m.len(), 3), |(moment, _)| (positions_m[moment][0] + 10.0 * positions_m[moment][1]) as f32);
        let by_unit = activity.t().as_standard_layout().into_owned();
        let surrogates = Surrogates::new(&positions_m, arena, by_unit.view(), TorusNull::Shift, Seed(5));
        let drawn = surrogates.draw(0);
        assert_eq!(drawn, surrogates.draw(0));
        assert_ne!(drawn, surrogates.draw(1));
        for unit in 0..3 {
            let row = drawn.row(unit);
            let own: Vec<f32> = by_unit.row(unit).to_vec();
            assert!(row.iter().all(|value| own.contains(value)), "no value is made up");
            assert_ne!(row, by_unit.row(unit));
            // Marginal rates are kept: the mean within what the uneven use of moments does.
            let mean = |values: ndarray::ArrayView1<'_, f32>| values.iter().map(|v| f64::from(*v)).sum::<f64>() / 4000.0;
            assert!((mean(row) - mean(by_unit.row(unit))).abs() < 0.5, "of a standard deviation of 5.8");
        }
        assert!(drawn.row(0) != drawn.row(1) && drawn.row(1) != drawn.row(2));
    }

    #[test]
    fn a_shift_of_nothing_is_the_sample() {
        let arena = Arena::square(2.0);
        let positions_m = positions(arena, 300);
        let moments = NearestMoment::new(&positions_m, arena);
        let still = Displacement { turn: [[1.0, 0.0], [0.0, 1.0]], shift_m: [0.0; 2], sides_m: Some([2.0; 2]) };
        assert!((0..300).all(|moment| moments.nearest(still.of(positions_m[moment])) == moment));
    }
}
