//! Evaluation trajectories: how the trained network is made to walk.
//!
//! A network has seen velocities of at most the training's limit, so every walk stays inside that support, whatever the size of the box: a walker
//! whose step grew with the box would leave the support and look like failed generalization.
//!
//! At a straight wall a step that would cross has its velocity across the wall reversed. At a round wall it is mirrored at the tangent; where even that
//! would cross (a shallow step from the wall itself leaves the circle on either side of the tangent), the walker steps towards the centre.

use crate::arena::{Arena, ArenaShape};
use crate::seed::Stream;
use serde::{Deserialize, Serialize};
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// How a walker moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Motion {
    /// Slowly changing heading and speed; turns away from walls and never crosses them.
    Smooth,
    /// Each velocity uniform in the training's square, independent of the last; no walls.
    Iid,
}

/// The settings of a walk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walk {
    /// How it moves.
    pub motion: Motion,
    /// Steps, T.
    pub steps: usize,
    /// Mean speed of [`Motion::Smooth`], m per step.
    pub mean_speed_m: f64,
    /// Largest magnitude of a velocity component, m per step: the training's support.
    pub velocity_limit_m: f64,
}

/// A path from the origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    /// v_1 … v_T (x, y), m per step.
    pub velocities_m: Vec<[f64; 2]>,
    /// x_1 … x_T (x, y), m: the sums of the velocities.
    pub positions_m: Vec<[f64; 2]>,
}

/// Standard deviation of the change of heading per step, rad.
const HEADING_SD: f64 = 0.35;
/// Share of the speed's deviation that one step keeps.
const SPEED_MEMORY: f64 = 0.9;
/// Standard deviation of the speed over its mean, before the limits.
const SPEED_SD: f64 = 0.4;
/// Speeds stay within these shares of the mean: symmetric, so that the mean is kept.
const SPEED_SHARES: (f64, f64) = (0.1, 1.9);
/// Walls are noticed from this many mean steps away.
const NOTICE_STEPS: f64 = 1.5;
/// Largest change of heading per step because of a wall, rad.
const WALL_TURN: f64 = 0.8;

impl Walk {
    /// One trajectory from the origin. `Smooth` stays inside `arena`; `Iid` ignores it.
    pub fn draw(&self, arena: &Arena, stream: &mut Stream) -> Trajectory {
        match self.motion {
            Motion::Smooth => self.smooth(arena, stream),
            Motion::Iid => {
                let limit = self.velocity_limit_m;
                Trajectory::from_velocities(
                    (0..self.steps).map(|_| [stream.uniform_in(-limit, limit), stream.uniform_in(-limit, limit)]).collect(),
                )
            }
        }
    }

    fn smooth(&self, arena: &Arena, stream: &mut Stream) -> Trajectory {
        let half = [arena.width_m / 2.0, arena.height_m / 2.0];
        // Below half the box, so that a step turned back at a wall ends inside.
        let fastest = self.velocity_limit_m.min(0.9 * half[0]).min(0.9 * half[1]);
        let mut heading = stream.uniform_in(0.0, TAU);
        let mut deviation = SPEED_SD * stream.normal();
        let mut position = [0.0; 2];
        let mut path = Trajectory { velocities_m: Vec::with_capacity(self.steps), positions_m: Vec::with_capacity(self.steps) };
        for _ in 0..self.steps {
            deviation = SPEED_MEMORY * deviation + (1.0 - SPEED_MEMORY * SPEED_MEMORY).sqrt() * SPEED_SD * stream.normal();
            let speed = (self.mean_speed_m * (1.0 + deviation).clamp(SPEED_SHARES.0, SPEED_SHARES.1)).min(fastest);
            heading = (heading + HEADING_SD * stream.normal()).rem_euclid(TAU);
            let velocity = match arena.shape {
                ArenaShape::Rectangle => self.between_walls(speed, &mut heading, position, half),
                ArenaShape::Circle => self.within_circle(speed, &mut heading, position, arena),
            };
            position = [position[0] + velocity[0], position[1] + velocity[1]];
            path.velocities_m.push(velocity);
            path.positions_m.push(position);
        }
        path
    }

    /// A step in a rectangle with these half sides.
    fn between_walls(&self, speed: f64, heading: &mut f64, position: [f64; 2], half: [f64; 2]) -> [f64; 2] {
        *heading = self.away_from_walls(*heading, position, half);
        let mut velocity = [speed * libm::cos(*heading), speed * libm::sin(*heading)];
        for axis in 0..2 {
            if (position[axis] + velocity[axis]).abs() > half[axis] {
                velocity[axis] = -velocity[axis];
                *heading = libm::atan2(velocity[1], velocity[0]);
            }
        }
        velocity
    }

    /// A step in a circle.
    fn within_circle(&self, speed: f64, heading: &mut f64, position: [f64; 2], arena: &Arena) -> [f64; 2] {
        let outward = libm::atan2(position[1], position[0]);
        let near = arena.wall_distance_m(position[0], position[1]) <= NOTICE_STEPS * self.mean_speed_m;
        let off = wrapped(*heading - outward);
        // The wall itself turns by this much within a step, so a heading along it leads into it.
        let along = (FRAC_PI_2 + 2.0 * speed / arena.width_m).min(PI);
        if near && off.abs() < along {
            *heading += (along - off.abs()).min(WALL_TURN).copysign(off);
        }
        let step = |heading: f64| [speed * libm::cos(heading), speed * libm::sin(heading)];
        let inside = |velocity: [f64; 2]| arena.contains(position[0] + velocity[0], position[1] + velocity[1]);
        let velocity = step(*heading);
        if inside(velocity) {
            return velocity;
        }
        let mirrored = outward + PI - wrapped(*heading - outward);
        for turned in [mirrored, outward + PI] {
            *heading = turned;
            let velocity = step(turned);
            if inside(velocity) {
                return velocity;
            }
        }
        // Only rounding gets here, on the wall itself: the walker waits.
        [0.0; 2]
    }

    /// Turns a heading that leads into a near wall along the wall, at most [`WALL_TURN`] at once, to the side that is nearer.
    fn away_from_walls(&self, mut heading: f64, position: [f64; 2], half: [f64; 2]) -> f64 {
        let notice = NOTICE_STEPS * self.mean_speed_m;
        for (axis, normal) in [(0, 0.0), (1, FRAC_PI_2)] {
            let side = if position[axis] < 0.0 { PI } else { 0.0 };
            if half[axis] - position[axis].abs() > notice {
                continue;
            }
            // In the order of this difference, on whose last bit recordings depend.
            let off = wrapped(heading - normal - side);
            if off.abs() < FRAC_PI_2 {
                heading += (FRAC_PI_2 - off.abs()).min(WALL_TURN).copysign(off);
            }
        }
        heading
    }
}

/// The same angle in (-π, π].
fn wrapped(angle: f64) -> f64 {
    PI - (PI - angle).rem_euclid(TAU)
}

impl Trajectory {
    /// The path that velocities (m per step) make from the origin.
    pub fn from_velocities(velocities_m: Vec<[f64; 2]>) -> Self {
        let positions_m = velocities_m
            .iter()
            .scan([0.0; 2], |position, velocity| {
                *position = [position[0] + velocity[0], position[1] + velocity[1]];
                Some(*position)
            })
            .collect();
        Self { velocities_m, positions_m }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bins::Bins;
    use crate::coverage::{Coverage, CoverageCounter};
    use crate::seed::Seed;
    use proptest::prelude::*;

    const WALK: Walk = Walk { motion: Motion::Smooth, steps: 200, mean_speed_m: 0.05, velocity_limit_m: 0.15 };

    fn coverage(walk: Walk, side_m: f64, trajectories: u64) -> Coverage {
        let arena = Arena::square(side_m);
        let mut counter = CoverageCounter::new(Bins::square(arena, 50), 0.1);
        for number in 0..trajectories {
            counter.add(&walk.draw(&arena, &mut Seed(1).stream("walks", number)));
        }
        counter.finish()
    }

    #[test]
    fn positions_are_sums_of_velocities() {
        let path = WALK.draw(&Arena::square(2.0), &mut Seed(4).stream("walk", 0));
        assert_eq!(path, Trajectory::from_velocities(path.velocities_m.clone()));
    }

    #[test]
    fn smooth_walks_cover_the_box_at_their_speed_inside_the_support() {
        for side in [2.0, 3.0, 4.0] {
            let seen = coverage(WALK, side, 400);
            assert!((0.045..0.055).contains(&seen.mean_speed_m), "{side} m: {seen:?}");
            assert!(seen.max_component_m <= 0.15 && seen.outside_share == 0.0, "{side} m: {seen:?}");
            // Where walls do not matter, time near them is their share of the area.
            let area = 1.0 - (1.0 - 2.0 * 0.1 / side).powi(2);
            assert!((0.5 * area..1.6 * area).contains(&seen.near_wall_share), "{side} m: {seen:?}, area {area}");
        }
        assert!(coverage(WALK, 2.0, 400).visited_share > 0.995);
    }

    #[test]
    fn walks_in_a_box_are_the_same_forever() {
        // Recordings depend on these bits: made before there were round arenas.
        let walks = (0..20).map(|number| WALK.draw(&Arena::square(2.0), &mut Seed(9).stream("golden", number)));
        let bits = walks.flat_map(|walk| walk.positions_m).flatten().fold(0_u64, |sum, x| sum.rotate_left(5) ^ x.to_bits());
        assert_eq!(bits, 2_378_989_035_708_083_546);
    }

    #[test]
    fn walks_cover_rectangles_and_circles_evenly() {
        for arena in [Arena::rectangle(2.0, 1.0), Arena::rectangle(0.8, 3.0), Arena::circle(2.0), Arena::circle(1.2)] {
            let mut counter = CoverageCounter::new(Bins::square(arena, 25), 0.1);
            for number in 0..400 {
                counter.add(&WALK.draw(&arena, &mut Seed(1).stream("walks", number)));
            }
            let seen = counter.finish();
            assert!(seen.outside_share == 0.0 && seen.visited_share > 0.98, "{}: {seen:?}", arena.label());
            assert!((0.045..0.055).contains(&seen.mean_speed_m) && seen.max_component_m <= 0.15, "{}: {seen:?}", arena.label());
            let area = 1.0 - (1.0 - 0.2 / arena.width_m) * (1.0 - 0.2 / arena.height_m);
            assert!((0.5 * area..1.6 * area).contains(&seen.near_wall_share), "{}: {seen:?}, area {area}", arena.label());
        }
    }

    #[test]
    fn smooth_walks_are_smooth() {
        let path = WALK.draw(&Arena::square(100.0), &mut Seed(5).stream("walk", 0));
        let turn = |pair: &[[f64; 2]]| {
            let [a, b] = [pair[0], pair[1]];
            (a[0] * b[1] - a[1] * b[0]).atan2(a[0] * b[0] + a[1] * b[1])
        };
        let mean_square = path.velocities_m.windows(2).map(|pair| turn(pair).powi(2)).sum::<f64>() / 199.0;
        assert!((mean_square.sqrt() / HEADING_SD - 1.0).abs() < 0.15, "{}", mean_square.sqrt());
    }

    #[test]
    fn iid_walks_have_the_training_statistics() {
        let walk = Walk { motion: Motion::Iid, ..WALK };
        let seen = coverage(walk, 2.0, 100);
        assert!(seen.max_component_m < 0.15 && seen.max_component_m > 0.149);
        assert!(seen.outside_share > 0.05, "there are no walls: {seen:?}");
        let all: Vec<f64> =
            (0..50).flat_map(|n| walk.draw(&Arena::square(2.0), &mut Seed(2).stream("iid", n)).velocities_m).flatten().collect();
        let variance = all.iter().map(|v| v * v).sum::<f64>() / all.len() as f64;
        assert!((variance / (0.15_f64.powi(2) / 3.0) - 1.0).abs() < 0.03);
    }

    proptest! {
        #[test]
        fn smooth_walks_never_leave_arena_or_support(seed in 0_u64..1000, side in 0.2_f64..5.0, other in 0.2_f64..5.0, speed in 0.001_f64..0.1, limit in 0.02_f64..0.2) {
            let walk = Walk { steps: 300, mean_speed_m: speed, velocity_limit_m: limit, ..WALK };
            for arena in [Arena::square(side), Arena::rectangle(side, other), Arena::circle(side)] {
                let path = walk.draw(&arena, &mut Seed(seed).stream("walk", 0));
                prop_assert_eq!(path.positions_m.len(), 300);
                prop_assert!(path.positions_m.iter().all(|p| arena.contains(p[0], p[1])));
                prop_assert!(path.velocities_m.iter().flatten().all(|v| v.abs() <= limit));
                prop_assert_eq!(&path, &Trajectory::from_velocities(path.velocities_m.clone()));
            }
        }
    }
}
