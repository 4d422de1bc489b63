//! Draws the figures of state spaces from synthetic data, to look at:
//! `cargo run --release -p gridlake-figures --example state_gallery -- FOLDER`.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use gridlake_figures::{
    Bar, BarcodeDimension, Barcodes, FigureError, Ring, RingColor, Rings, StateEmbedding, TorusMaps, TorusUnit, draw_barcodes, draw_rings,
    draw_state_embedding, draw_torus_maps,
};
use ndarray::Array2;

const NAN: f64 = f64::NAN;

/// A number in [0, 1) from an index and a stream: two of the plastic number's sequences fill a square evenly.
fn scatter(index: usize, stream: usize) -> f64 {
    let ratio = [0.754_877_666_246_693, 0.569_840_290_998_053, 0.618_033_988_749_895][stream % 3];
    (0.5 + index as f64 * ratio).fract()
}

/// About normal, of mean 0 and standard deviation 1.
fn normal(index: usize, stream: usize) -> f64 {
    let part = |part: usize| ((index * 7 + part * 131 + stream * 977) as f64 * 12.9898).sin() * 43_758.545_3;
    ((1..=6).map(part).map(|x| x - x.floor()).sum::<f64>() - 3.0) * 2.0_f64.sqrt()
}

/// States of an ideal hexagonal module: positions in a 2 m box and their three phases.
struct Torus {
    positions_m: Vec<[f64; 2]>,
    phases_rad: Vec<[f64; 3]>,
}

fn torus(count: usize) -> Torus {
    let positions_m: Vec<[f64; 2]> = (0..count).map(|index| [2.0 * scatter(index, 0) - 1.0, 2.0 * scatter(index, 1) - 1.0]).collect();
    let k = 2.0 / (3.0_f64.sqrt() * 0.9);
    let phase = |[x, y]: [f64; 2], turn: f64| TAU * k * (x * (turn + 0.2).cos() + y * (turn + 0.2).sin());
    let phases_rad = positions_m.iter().map(|&at| [0.0, TAU / 3.0, 2.0 * TAU / 3.0].map(|turn| phase(at, turn))).collect();
    Torus { positions_m, phases_rad }
}

/// The torus as a ring, or as the slice that three of its six lowest eigenfunctions show.
fn embedded(torus: &Torus, ring: bool) -> Vec<[f64; 3]> {
    let place = |(index, phases): (usize, &[f64; 3])| {
        let [one, two, three] = *phases;
        let noise = [0, 1, 2].map(|axis| 0.02 * normal(index, axis));
        let point = if ring {
            let around = 1.0 + 0.42 * two.cos();
            [around * one.cos(), around * one.sin(), 0.42 * two.sin()]
        } else {
            [one.cos(), two.sin(), three.cos()]
        };
        [0, 1, 2].map(|axis| point[axis] + noise[axis])
    };
    torus.phases_rad.iter().enumerate().map(place).collect()
}

const HEXAGONAL: [f64; 9] = [1.0, 1.04, 1.13, 1.21, 1.26, 1.37, 3.09, 3.2, 3.35];

fn draw_embeddings(folder: &Path) -> Result<(), FigureError> {
    for (name, count, ring) in [("ring", 10_000, true), ("slice", 10_000, false), ("few", 300, true)] {
        let torus = torus(count);
        let mut points = embedded(&torus, ring);
        points[7][1] = NAN;
        let first: Vec<f64> = torus.phases_rad.iter().map(|phases| phases[0]).collect();
        let eigenvalues: Vec<f64> =
            HEXAGONAL.iter().enumerate().map(|(index, value)| 0.0123 * value * (1.0 + 0.03 * index as f64)).collect();
        let input = StateEmbedding {
            title: "States of the module in the 2 m box of single-module, seed 1",
            module: 0,
            method: "spectral embedding of 6 principal components",
            neighbors: 15,
            points: &points,
            positions_m: &torus.positions_m,
            phases_rad: &first,
            eigenvalues: &eigenvalues,
            ideal_ratios: &HEXAGONAL,
            ideal_name: "Ideal hexagonal torus",
            ideal_origin: "a simulated module",
        };
        draw_state_embedding(&input, &folder.join(format!("embedding-{name}")))?;
        if name == "few" {
            let input = StateEmbedding { method: "Isomap", phases_rad: &[], eigenvalues: &[], ideal_ratios: &[], ..input };
            draw_state_embedding(&input, &folder.join("embedding-isomap"))?;
        }
    }
    Ok(())
}

fn draw_all_rings(folder: &Path) -> Result<(), FigureError> {
    for (name, count, color) in
        [("angle", 10_000, RingColor::Angle), ("density", 60_000, RingColor::Density), ("few", 60, RingColor::Angle)]
    {
        let torus = torus(count);
        let z: Vec<Vec<[f64; 2]>> = (0..3)
            .map(|ring| {
                let place = |(index, phases): (usize, &[f64; 3])| {
                    let radius = 12.0 + [0.6, 1.1, 2.0][ring] * normal(index, ring);
                    [radius * phases[ring].cos(), radius * phases[ring].sin()]
                };
                torus.phases_rad.iter().enumerate().map(place).collect()
            })
            .collect();
        let ring =
            |index: usize| Ring { z: &z[index], mean_radius: 12.0, variation: [0.05, 0.09, 0.17][index], hole: 0.8, coverage: 0.995 };
        let mut rings = [0, 1, 2].map(ring);
        if name == "few" {
            rings[2] = Ring { z: &[], mean_radius: NAN, variation: NAN, hole: NAN, coverage: NAN };
        }
        let input = Rings { title: "Projections on the module's three wave vectors, single-module, seed 1", module: 0, rings, color };
        draw_rings(&input, &folder.join(format!("rings-{name}")))?;
    }
    Ok(())
}

/// Many short bars and the given long ones.
fn bars(count: usize, dimension: usize, lifetimes: &[f64]) -> Vec<Bar> {
    let short = |index: usize| {
        let birth = if dimension == 0 { 0.0 } else { 1.5 + 2.5 * scatter(index, dimension) };
        Bar { birth, death: birth + 0.3 + 1.6 * scatter(index, dimension + 1).powi(3), significant: false }
    };
    let long = |(index, &lifetime): (usize, &f64)| {
        let birth = if dimension == 0 { 0.0 } else { 3.0 + 0.4 * index as f64 + 6.0 * (dimension - 1) as f64 };
        Bar { birth, death: birth + lifetime, significant: true }
    };
    (0..count).map(short).chain(lifetimes.iter().enumerate().map(long)).collect()
}

fn draw_all_barcodes(folder: &Path) -> Result<(), FigureError> {
    let null = |highest: f64| -> Vec<[f64; 2]> {
        (0..40).map(|rank| [0.75, 1.0].map(|share| share * highest * (1.0 + f64::from(rank)).powf(-0.06))).collect()
    };
    let of = |all: [&[f64]; 3]| [0, 1, 2].map(|dimension| bars([1199, 240, 18][dimension], dimension, all[dimension]));
    let torus = of([&[f64::INFINITY], &[17.3, 16.3], &[8.1]]);
    let plane = of([&[f64::INFINITY], &[], &[]]);
    let nulls = [null(1.95), null(2.3), null(2.1)];
    for (name, all, betti) in
        [("torus", &torus, "Betti numbers (1, 2, 1), as a torus, p = 0.01"), ("plane", &plane, "No holes: not a torus")]
    {
        let dimension = |index: usize| BarcodeDimension {
            bars: &all[index],
            null_lifetime: Some(nulls[index][0][1]),
            null_by_rank: &nulls[index],
            p_value: if name == "torus" { [NAN, 0.01, 0.01][index] } else { [NAN, 0.37, 0.24][index] },
        };
        let input = Barcodes {
            title: "Persistent homology of the module's states, single-module, seed 1",
            module: 0,
            point_count: 1200,
            dimensions: &[0, 1, 2].map(dimension),
            null_name: "longest of 100 shuffles of the units' maps",
            verdict: betti,
        };
        draw_barcodes(&input, &folder.join(format!("barcodes-{name}")))?;
    }
    let few = [Bar { birth: 0.0, death: f64::INFINITY, significant: false }, Bar { birth: 0.0, death: 2.0, significant: false }];
    let dimension = |bars| BarcodeDimension { bars, null_lifetime: None, null_by_rank: &[], p_value: NAN };
    let input = Barcodes {
        title: "Persistent homology without a null",
        module: 3,
        point_count: 2,
        dimensions: &[dimension(&few), dimension(&[])],
        null_name: "",
        verdict: "Too few units (12 of the 16 needed)",
    };
    draw_barcodes(&input, &folder.join("barcodes-few"))?;
    Ok(())
}

fn draw_maps(folder: &Path) -> Result<(), FigureError> {
    let torus = torus(10_000);
    let thetas: Vec<[f64; 2]> = torus.phases_rad.iter().map(|phases| [phases[0], phases[1]]).collect();
    for (name, count, angle_deg) in [("hexagonal", 30, 60.0), ("square", 8, 90.0), ("obtuse", 1, 120.0)] {
        let fields: Vec<[f64; 2]> = (0..count).map(|unit| [TAU * scatter(unit, 0), TAU * scatter(unit, 1)]).collect();
        let map = |unit: usize| {
            Array2::from_shape_fn((20, 20), |(row, column)| {
                let [one, two] = [column, row].map(|bin| (bin as f64 + 0.5) / 20.0 * TAU);
                let (one, two) = (one - fields[unit][0], two - fields[unit][1]);
                let waves = if angle_deg == 90.0 { one.cos() + two.cos() } else { one.cos() + two.cos() + (one + two).cos() };
                if unit == 4 && row < 5 && column > 12 { NAN } else { 0.5 + (1.3 * waves).exp() }
            })
        };
        let mut maps: Vec<Array2<f64>> = (0..count).map(map).collect();
        if count > 5 {
            maps[5].fill(NAN);
        }
        let units: Vec<TorusUnit<'_>> =
            (0..count).map(|unit| TorusUnit { unit: 3 * unit, map: maps[unit].view(), phase_rad: Some(fields[unit]) }).collect();
        let input = TorusMaps {
            title: "Units of the module on the torus of its states, single-module, seed 1",
            module: 0,
            units: &units,
            unit_count: 81,
            angle_deg,
            positions_m: if count == 1 { &[] } else { &torus.positions_m },
            thetas_rad: if count == 1 { &[] } else { &thetas },
            rate_unit: "arbitrary units",
        };
        draw_torus_maps(&input, &folder.join(format!("torus-maps-{name}")))?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name a folder for the pictures")?);
    draw_embeddings(&folder)?;
    draw_all_rings(&folder)?;
    draw_all_barcodes(&folder)?;
    draw_maps(&folder)?;
    Ok(())
}
