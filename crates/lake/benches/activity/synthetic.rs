//! Activity as a trained network has it: units of four modules that fire on hexagonal lattices along smooth walks, about half of all values zero, each
//! row of norm 1.

use gridlake_lake::frame::{Data, Frame};
use gridlake_lake::schema::ACTIVITY;
use std::f32::consts::{PI, TAU};

/// Units of the network.
pub(crate) const UNITS: usize = 128;
/// Moments of a trajectory.
pub(crate) const STEPS: usize = 1000;
const BOX_M: f64 = 2.0;

/// A number from 0 to 1 for each place of a stream (splitmix64).
fn uniform(stream: u64, place: u64) -> f64 {
    let mut z = stream.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Wave vectors and phases of a unit.
fn waves(unit: usize) -> [(f32, f32, f32); 3] {
    let module = (unit * 4 / UNITS) as u64;
    let (period, orientation) = (0.35 * 1.42_f32.powi(module as i32), uniform(1, module) as f32 * PI / 3.0);
    let length = TAU * 2.0 / (3.0_f32.sqrt() * period);
    [0, 1, 2].map(|wave| {
        let angle = orientation + wave as f32 * PI / 3.0;
        let phase = uniform(2 + wave, unit as u64) as f32 * TAU;
        (length * angle.cos(), length * angle.sin(), if wave == 2 { 0.0 } else { phase })
    })
}

/// What the network did on one trajectory.
pub(crate) struct Moments {
    places: Vec<[f64; 2]>,
    speeds: Vec<[f64; 2]>,
    states: Vec<f32>,
}

impl Moments {
    /// A smooth walk, drawn by its number.
    pub(crate) fn draw(number: u32) -> Self {
        let units: Vec<_> = (0..UNITS).map(waves).collect();
        let (mut place, mut heading) = ([0.0_f64; 2], uniform(10, u64::from(number)) * f64::from(TAU));
        let (mut places, mut speeds) = (Vec::with_capacity(STEPS), Vec::with_capacity(STEPS));
        let mut states = Vec::with_capacity(STEPS * UNITS);
        for step in 0..STEPS {
            heading += (uniform(11 + u64::from(number), step as u64) - 0.5) * 0.6;
            let mut speed = [heading.cos() * 0.02, heading.sin() * 0.02];
            for axis in 0..2 {
                if (place[axis] + speed[axis]).abs() > BOX_M / 2.0 {
                    speed[axis] = -speed[axis];
                    heading += 2.0;
                }
                place[axis] += speed[axis];
            }
            let (x, y) = (place[0] as f32, place[1] as f32);
            let from = states.len();
            states.extend(
                units.iter().map(|unit| (unit.iter().map(|(kx, ky, phase)| (kx * x + ky * y + phase).cos()).sum::<f32>() + 0.1).max(0.0)),
            );
            let norm = states[from..].iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
            states[from..].iter_mut().for_each(|value| *value /= norm);
            places.push(place);
            speeds.push(speed);
        }
        Self { places, speeds, states }
    }

    /// The rows, under any number.
    pub(crate) fn frame(&self, number: u32) -> Frame {
        let along = |path: &[[f64; 2]], axis: usize| path.iter().map(|place| place[axis]).collect::<Vec<f64>>();
        Frame::new(&ACTIVITY, STEPS)
            .with("arena", Data::repeat("square-2m", STEPS))
            .with("box_m", vec![BOX_M; STEPS])
            .with("trajectory", vec![number; STEPS])
            .with("t", (1..=STEPS as u32).collect::<Vec<u32>>())
            .with("x_m", along(&self.places, 0))
            .with("y_m", along(&self.places, 1))
            .with("vx_m", along(&self.speeds, 0))
            .with("vy_m", along(&self.speeds, 1))
            .with("g", Data::Floats { length: UNITS, values: self.states.clone() })
    }
}

/// So many trajectories, made on two threads.
pub(crate) fn recording(trajectories: u32) -> Vec<Frame> {
    let draw = |numbers: std::ops::Range<u32>| numbers.map(|number| Moments::draw(number).frame(number)).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let second = scope.spawn(move || draw(trajectories / 2..trajectories));
        let mut frames = draw(0..trajectories / 2);
        frames.extend(second.join().expect("the thread's message is above"));
        frames
    })
}
