//! Writes reports and an index from synthetic data, to look at and for the browser's checks (`.ci/browser`):
//! `cargo run --release -p gridlake-figures --example report_gallery -- FOLDER`.

use std::f64::consts::TAU;
use std::fs;
use std::path::{Path, PathBuf};

use gridlake_figures::report::{
    Cell, Cloud, CloudColor, ColorScale, Column, Definition, Fact, Image, Map, Measure, NullSummary, Outcome, Report, ReportArena,
    ReportFigure, ReportUnit, RunSummary, Score, ScoreKind, Sweep, Table, UnitInArena, UnitMaps, Verdict, index_page, write_report,
};
use gridlake_figures::{CostCurve, Normalization, UnitPanel, UnitSheet, draw_cost_curves, draw_ratemaps};
use ndarray::Array2;

/// A number in [0, 1) from an index: mixed bits are enough for pictures.
fn scatter(index: usize) -> f64 {
    let mut bits = (index as u64).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits ^= bits >> 29;
    (bits.wrapping_mul(0x94d0_49bb_1331_11eb) >> 11) as f64 / (1_u64 << 53) as f64
}

/// What a synthetic unit is made from.
#[derive(Clone, Copy)]
struct Recipe {
    class: &'static str,
    module: Option<usize>,
    period_m: f64,
    turn: f64,
}

fn kind(unit: usize, everything_dead: bool) -> Recipe {
    let cell = |class, module, period_m, turn| Recipe { class, module, period_m, turn };
    match unit % 128 {
        _ if everything_dead => cell("dead", None, f64::NAN, 0.0),
        0..84 => cell("grid", Some(0), 0.52, 0.15),
        84..112 => cell("grid", Some(1), 0.735, 0.5),
        112..116 => cell("band", None, 0.8, 0.9),
        116..124 => cell("untuned", None, f64::NAN, 0.0),
        _ => cell("dead", None, f64::NAN, 0.0),
    }
}

/// Three wave vectors of a hexagonal lattice, in cycles per metre; one for bands; none for others.
fn waves(cell: Recipe) -> Vec<[f64; 2]> {
    let wave = |turn: f64, size: f64| [size * turn.cos(), size * turn.sin()];
    let size = 2.0 / (3.0_f64.sqrt() * cell.period_m);
    match cell.class {
        "grid" => (0..3).map(|index| wave(cell.turn + f64::from(index) * TAU / 3.0, size)).collect(),
        "band" => vec![wave(cell.turn, 1.0 / cell.period_m)],
        _ => Vec::new(),
    }
}

fn maps(unit: usize, cell: Recipe, box_m: f64, bins: usize) -> UnitMaps {
    let bin_m = box_m / bins as f64;
    let at = |index: usize, count: usize| (index as f64 + 0.5 - count as f64 / 2.0) * bin_m;
    let waves = waves(cell);
    let (x0, y0) = (scatter(2 * unit), scatter(2 * unit + 1));
    let sum = |x: f64, y: f64| waves.iter().map(|[kx, ky]| (TAU * (kx * x + ky * y)).cos()).sum::<f64>();
    let rate = Array2::from_shape_fn((bins, bins), |(row, column)| {
        let (x, y) = (at(column, bins), at(row, bins));
        let noise = scatter(unit * 9_973 + row * 131 + column) * 0.02;
        match cell.class {
            "dead" => 0.0,
            _ if row < 2 && column < 3 => f64::NAN,
            "untuned" => 0.1 + 2.0 * noise,
            _ => 0.3 * ((sum(x - x0, y - y0) / waves.len() as f64 + 0.5) / 1.5).max(0.0).powi(2) + noise,
        }
    });
    let lags = 2 * bins - 1;
    // A half turn leaves it as it is, to the last bit: from the smaller of the two distances.
    let correlation = Array2::from_shape_fn((lags, lags), |(row, column)| {
        let (row, column) = if row * lags + column > lags * lags / 2 { (lags - 1 - row, lags - 1 - column) } else { (row, column) };
        let noise = 0.06 * (scatter(unit * 7_919 + row * 257 + column) - 0.5);
        match cell.class {
            "dead" => f64::NAN,
            _ if row + column < 12 || row + (lags - column) < 12 => f64::NAN,
            "untuned" => noise,
            _ => (sum(at(column, lags), at(row, lags)) / waves.len() as f64 + noise).clamp(-1.0, 1.0),
        }
    });
    let frequencies = 65;
    let df = 0.125;
    let power = Array2::from_shape_fn((frequencies, frequencies), |(row, column)| {
        let at = |index: usize| (index as f64 - (frequencies / 2) as f64) * df;
        let peak = |sign: f64, [kx, ky]: [f64; 2]| {
            (-((at(column) - sign * kx).powi(2) + (at(row) - sign * ky).powi(2)) * (2.2 * box_m).powi(2)).exp()
        };
        waves.iter().map(|&wave| peak(1.0, wave) + peak(-1.0, wave)).sum::<f64>()
    });
    UnitMaps {
        ratemap: Some(Map::new(rate.view(), [bin_m; 2])),
        autocorrelogram: Some(Map::with_range(correlation.view(), [bin_m; 2], (-1.0, 1.0))),
        spectrum: (cell.class != "dead").then(|| Map::new(power.view(), [df; 2])),
        waves,
    }
}

fn column(name: &str, unit: &str, decimals: usize, meaning: &str) -> Column {
    Column { name: name.into(), unit: unit.into(), meaning: meaning.into(), decimals: Some(decimals) }
}

fn fact(name: &str, value: &(impl ToString + ?Sized)) -> Fact {
    Fact { name: name.into(), value: value.to_string() }
}

const SCORES: [&str; 3] = ["grid score", "square score", "periodicity"];

fn unit(unit: usize, arenas: &[ReportArena], everything_dead: bool) -> ReportUnit {
    let cell = kind(unit, everything_dead);
    let here = |(index, arena): (usize, &ReportArena)| {
        let random = |salt: usize| scatter(unit * 1_009 + index * 31 + salt);
        let live = cell.class != "dead";
        let score = |which: usize| {
            let grid = cell.class == "grid";
            let value = match (which, grid) {
                _ if !live => f64::NAN,
                (0, true) => 1.05 + 0.4 * random(which),
                (1, _) => 0.5 * random(which) - 0.4,
                (2, true) => 0.25 + 0.1 * random(which),
                _ => 0.6 * random(which) - 0.2,
            };
            let null: Vec<f64> = (0..200)
                .map(|sample| (0..4).map(|term| scatter(unit * 811 + which * 77 + sample * 4 + term)).sum::<f64>() / 4.0 - 0.45)
                .collect();
            let above = null.iter().filter(|sample| **sample >= value).count();
            let p = if live { (above + 1) as f64 / 201.0 } else { f64::NAN };
            let q = if which == 1 || !live { f64::NAN } else { (p * 1.3).min(1.0) };
            let reason = if live { String::new() } else { "the map is flat".into() };
            Score { value, p, q, reason, null: live.then(|| NullSummary::new(&null)) }
        };
        let measures = if live {
            vec![
                cell.period_m * (1.0 + 0.01 * random(5)),
                cell.turn.to_degrees() + random(6),
                0.4 + random(7),
                0.9 - 0.2 * random(8),
                0.3 + 0.02 * random(9),
            ]
        } else {
            vec![f64::NAN, f64::NAN, f64::NAN, f64::NAN, 0.0]
        };
        let class_reason = match cell.class {
            "grid" => "grid score above its null, six waves of one lattice",
            "band" => "one wave vector carries the power",
            "untuned" => "no score is above its null",
            _ => "active in fewer than 1 % of visited bins",
        };
        UnitInArena {
            class: cell.class.into(),
            class_reason: class_reason.into(),
            scores: (0..3).map(score).collect(),
            measures,
            maps: maps(unit, cell, arena.width_m, 50),
        }
    };
    let module_reason = match (cell.module, cell.class) {
        (Some(_), _) => "its wave vectors lie within the module's spread",
        (None, "band") => "bands of this direction are too few for a module",
        _ => "neither grid nor band in most arenas",
    };
    ReportUnit { unit, module: cell.module, module_reason: module_reason.into(), arenas: arenas.iter().enumerate().map(here).collect() }
}

/// Moments of a walk on a torus, as a spectral embedding of a module would show them.
fn torus(label: &str, count: usize, tube: f64) -> Cloud {
    let (mut points, mut colors) = (Vec::new(), vec![Vec::new(); 4]);
    for index in 0..count {
        let (x, y) = (2.0 * scatter(3 * index) - 1.0, 2.0 * scatter(3 * index + 1) - 1.0);
        let (a, b) = (TAU * (x / 0.52), TAU * (y / 0.6 + x / 1.04));
        let radius = 1.0 + tube * b.cos();
        let noise = 0.03 * (scatter(3 * index + 2) - 0.5);
        points.push([radius * a.cos() + noise, radius * a.sin() - noise, tube * b.sin() + noise].map(|value| value as f32));
        for (color, value) in colors.iter_mut().zip([x, y, a, b]) {
            color.push(value as f32);
        }
    }
    let names =
        [("x (m)", ColorScale::Linear), ("y (m)", ColorScale::Linear), ("phase 1", ColorScale::Turn), ("phase 2", ColorScale::Turn)];
    let colors = names.into_iter().zip(colors).map(|((label, scale), values)| CloudColor { label: label.into(), scale, values }).collect();
    Cloud { label: label.into(), axes: ["e₁", "e₂", "e₃"].map(String::from), points, colors }
}

/// Two figures of the crate's own: a sheet as SVG and curves as PNG.
fn figures(folder: &Path) -> Result<Vec<ReportFigure>, Box<dyn std::error::Error>> {
    let sheet_maps: Vec<Array2<f64>> = (0..128)
        .map(|unit| {
            let cell = kind(unit, false);
            let waves = waves(cell);
            Array2::from_shape_fn((50, 50), |(row, column)| {
                let (x, y) = (column as f64 * 0.04 - scatter(2 * unit), row as f64 * 0.04 - scatter(2 * unit + 1));
                waves.iter().map(|[kx, ky]| (TAU * (kx * x + ky * y)).cos()).sum::<f64>().max(0.0)
            })
        })
        .collect();
    let panels: Vec<UnitPanel<'_>> = sheet_maps
        .iter()
        .enumerate()
        .map(|(unit, map)| {
            let class = kind(unit, false).class;
            UnitPanel {
                unit,
                map: map.view(),
                score: (class != "dead").then_some(1.2),
                significant: class == "grid",
                dead: class == "dead",
                class,
            }
        })
        .collect();
    let sheet =
        UnitSheet { title: "Ratemaps in the 2 m box", panels: &panels, bin_m: [0.04; 2], score_name: "grid score", null_level: 0.99 };
    let sheet_files = draw_ratemaps(&sheet, Normalization::PerUnit, &folder.join("sheet"))?;
    let (sizes, measured, expected) = ([32.0, 64.0, 128.0, 256.0], [0.4, 0.9, 2.1, 5.2], [1.0, 2.3, 5.5, 13.0]);
    let curve = CostCurve {
        title: "N grows: T = 30, B = 28",
        label: "Units, N",
        sizes: &sizes,
        cost: "Step (ms)",
        measured: &measured,
        expected: &expected,
    };
    let curve_files = draw_cost_curves("Cost of a step", &[curve], &folder.join("cost"))?;
    Ok(vec![
        ReportFigure {
            title: "Ratemaps in square-2m".into(),
            caption: "Each unit on its own scale; bold scores are above the unit's null.".into(),
            image: Image::Svg(fs::read_to_string(&sheet_files[1])?),
        },
        ReportFigure {
            title: "Cost of a step".into(),
            caption: "Median of 20 steps.".into(),
            image: Image::Png(fs::read(&curve_files[0])?),
        },
    ])
}

fn modules(count: usize) -> Table {
    let columns = vec![
        column("module", "", 0, "Label of the module, the same in every arena; 0 has the smallest period"),
        column("arena", "", 0, ""),
        column("units", "", 0, "Units of the module"),
        column("period", "m", 3, "Spacing of the hexagonal lattice with as many fields as the joint wave vectors"),
        column("orientation", "°", 1, "Angle of the lattice's axes, modulo 60° (square: 90°)"),
        column(
            "phase uniformity p",
            "",
            2,
            "p-value of the test that the units' phases are uniform on the torus: small where they cluster",
        ),
        column("ratio to next", "", 3, "Period of the next larger module over this one's"),
    ];
    let row = |module: usize, arena: &str| {
        vec![
            Cell::Count(module as u64),
            Cell::Text(arena.into()),
            Cell::Count([84, 28][module]),
            Cell::Number([0.52, 0.735][module]),
            Cell::Number([8.6, 28.6][module]),
            Cell::Number([0.41, 0.77][module]),
            Cell::Number([1.413, f64::NAN][module]),
        ]
    };
    let rows = (0..count).flat_map(|module| ["square-2m", "square-3m", "square-4m"].map(|arena| row(module, arena))).collect();
    Table { title: "Modules".into(), caption: "One row per module and arena.".into(), columns, rows }
}

/// An ideal run; `dead` and without modules where asked for.
fn report(title: &str, units: usize, module_count: usize, dead: bool, figures: Vec<ReportFigure>) -> Report {
    let arenas: Vec<ReportArena> =
        [2.0, 3.0, 4.0].into_iter().map(|side| ReportArena { label: format!("square-{side}m"), width_m: side, height_m: side }).collect();
    let mut all: Vec<ReportUnit> = (0..units).map(|index| unit(index, &arenas, dead)).collect();
    for unit in all.iter_mut().filter(|_| module_count == 0) {
        unit.module = None;
        unit.module_reason = "no cluster of units shares a lattice beyond chance".into();
    }
    let found = |yes: bool| if yes { Outcome::Found } else { Outcome::Absent };
    let verdict = |name: &str, outcome, verdict: &str, numbers, definition: &str| Verdict {
        name: name.into(),
        outcome,
        verdict: verdict.into(),
        numbers,
        definition: definition.into(),
    };
    let grid = all.iter().filter(|unit| unit.arenas[0].class == "grid").count();
    let verdicts = vec![
        verdict(
            "Grid cells",
            found(grid > 0),
            &format!("{grid} of {units} units"),
            vec![fact("above their null (p ≤ 0.01)", &grid), fact("median grid score", if dead { "–" } else { "1.24" })],
            "A unit is a grid cell where its grid score (sargolini: annuli from the central peak's edge outwards) is above the 99 % quantile of 200 phase-randomized maps of its own, and its lattice has three wave vectors.",
        ),
        verdict(
            "Modules",
            found(module_count > 0),
            &format!("{module_count} modules"),
            vec![
                fact("units in modules", &if module_count > 0 { grid } else { 0 }),
                fact("period ratio", if module_count > 1 { "1.413" } else { "–" }),
            ],
            "Clusters of units by period, orientation and lattice shape; the number of clusters is the one of least BIC, and a module's stability is above 0.75.",
        ),
        verdict(
            "Torus",
            if dead { Outcome::Undecided } else { found(module_count > 0) },
            if dead {
                "too few units"
            } else if module_count > 0 {
                "Betti numbers 1, 2, 1"
            } else {
                "no module to test"
            },
            vec![
                fact("longest loops", if module_count > 0 { "17.3, 16.3, next 1.9" } else { "–" }),
                fact("p", if module_count > 0 { "0.01" } else { "–" }),
            ],
            "Persistent homology over Z/47 of 1,200 states; two long loops and one void beyond what 100 unit-wise shifted surrogates show, and a third loop that is short.",
        ),
        verdict(
            "Path integration",
            Outcome::Undecided,
            "error 0.09 m after 60 steps",
            vec![fact("σ_x", "0.15 m")],
            "Undecided: no threshold is set for this measure.",
        ),
    ];
    let scores = SCORES.iter().zip([
        "Sargolini's 60° score: annuli from the central peak's edge outwards; null: phase-randomized maps",
        "The 90° score, same annuli and null",
        "Unevenness of the map's waves over directions",
    ]);
    let clouds = if module_count == 0 {
        Vec::new()
    } else {
        vec![torus("Module 0, square-2m: spectral embedding", 12_000, 0.42), torus("Module 1, square-2m: spectral embedding", 4_000, 0.6)]
    };
    Report {
        title: title.into(),
        subtitle: "20,000 steps, full objective, seed 5 (synthetic data)".into(),
        verdicts,
        arenas,
        scores: scores.enumerate().map(|(index, (name, meaning))| ScoreKind { column: column(name, "", 2, meaning), in_table: index == 0 }).collect(),
        measures: vec![
            Measure { column: column("period", "m", 3, "Spacing of the hexagonal lattice with the same density of fields; for a band, its wavelength"), in_table: true },
            Measure { column: column("orientation", "°", 1, "Angle of the lattice's axes, modulo 60° (square: 90°)"), in_table: true },
            Measure { column: column("information", "bit", 2, "Spatial information per event (Skaggs 1993), weighted by occupancy"), in_table: true },
            Measure { column: column("stability", "", 2, "Pearson's r of the maps of the recording's two halves"), in_table: false },
            Measure { column: column("peak rate", "", 3, "Largest rate of a visited bin"), in_table: false },
        ],
        units: all,
        modules: modules(module_count),
        no_modules_reason: if dead { "no unit is active.".into() } else { "no cluster of units shares a lattice beyond chance.".into() },
        clouds,
        figures,
        definitions: vec![
            Definition { term: "dead".into(), meaning: "A unit that is active in fewer than 1 % of the visited bins.".into() },
            Definition { term: "null".into(), meaning: "Scores of 200 surrogates of the unit's own ratemap, of the same power and with random phases, over the same visited bins.".into() },
        ],
        provenance: vec![
            fact("run", title),
            fact("gridlake", env!("CARGO_PKG_VERSION")),
            fact("seed", &5),
            fact("schema", &2),
            fact("fingerprint", "9f2c4be1a7d05e66b3812f0f6f0e3cbb7a4b1d5c8e9f00112233445566778899"),
        ],
        configuration: "[train]\nsteps = 20000\nseed = 5\n\n[analyze.ratemap]\nbins = 50\n".into(),
        ..Report::default()
    }
}

/// Makes every number of a report NaN, and every map's.
fn undefine(report: &mut Report) {
    let nothing = Array2::from_elem((50, 50), f64::NAN);
    for arena in &mut report.arenas {
        (arena.width_m, arena.height_m) = (f64::NAN, f64::NAN);
    }
    for here in report.units.iter_mut().flat_map(|unit| &mut unit.arenas) {
        here.measures.fill(f64::NAN);
        for score in &mut here.scores {
            (score.value, score.p, score.q) = (f64::NAN, f64::NAN, f64::NAN);
            score.null = Some(NullSummary::new(&[f64::NAN; 200]));
        }
        let map = || Some(Map::new(nothing.view(), [f64::NAN; 2]));
        here.maps = UnitMaps { ratemap: map(), autocorrelogram: map(), spectrum: map(), waves: vec![[f64::NAN; 2]; 3] };
    }
    for cloud in &mut report.clouds {
        cloud.points.fill([f32::NAN; 3]);
    }
}

/// Leaves one arena, and units without scores, measures and maps; a cloud without points and colours.
fn strip(report: &mut Report) {
    report.arenas.truncate(1);
    report.scores.clear();
    report.measures.clear();
    for unit in &mut report.units {
        unit.arenas.truncate(1);
        unit.arenas[0] = UnitInArena { class: "grid".into(), ..UnitInArena::default() };
    }
    report.clouds = vec![Cloud { label: "nothing".into(), ..Cloud::default() }];
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name a folder for the pages")?);
    let drawn = tempfile::tempdir()?;
    let figures = figures(drawn.path())?;
    let mut undefined = report("undefined", 12, 1, false, Vec::new());
    undefine(&mut undefined);
    let mut bare = report("bare", 6, 1, false, Vec::new());
    strip(&mut bare);
    let reports = [
        ("ideal", report("ideal-torus", 128, 2, false, figures)),
        ("no-modules", report("no-modules", 24, 0, false, Vec::new())),
        ("dead", report("dead-network", 16, 0, true, Vec::new())),
        ("html-name", report("<script>alert(1)</script><b>&\"'", 16, 1, false, Vec::new())),
        ("undefined", undefined),
        ("bare", bare),
        ("empty", Report { title: "empty".into(), ..Report::default() }),
    ];
    for (name, report) in &reports {
        let written = write_report(report, &folder.join(format!("{name}.html")))?;
        fs::write(folder.join(format!("{name}.bytes")), written.bytes.to_string())?;
    }
    let columns = vec![
        column("capacity", "", 2, "Weight of the capacity loss"),
        column("sigma_x", "m", 2, "Width of the neighbourhood"),
        column("modules", "", 0, "Modules found"),
        column("grid share", "", 2, "Share of units that are grid cells"),
        column("grid score", "", 2, "Median of grid cells"),
        column("torus", "", 0, "Persistent homology's verdict"),
    ];
    let run = |index: usize| {
        let share = scatter(index);
        let torus =
            if index.is_multiple_of(3) { Cell::Verdict(Outcome::Absent, "no".into()) } else { Cell::Verdict(Outcome::Found, "yes".into()) };
        let score = if index == 4 { f64::NAN } else { 0.6 + scatter(index + 50) };
        let capacity = Cell::Number(0.25 * (1 + index % 3) as f64);
        let cells = vec![
            capacity,
            Cell::Number(0.1 + 0.05 * (index / 3) as f64),
            Cell::Count(1 + index as u64 % 3),
            Cell::Number(share),
            Cell::Number(score),
            torus,
        ];
        let link = reports[index % reports.len()].0;
        RunSummary {
            name: if index == 7 { reports[3].1.title.clone() } else { format!("sweep-{index:02}") },
            report: (index != 5).then(|| format!("{link}.html")),
            cells,
        }
    };
    let figures = reports[0].1.figures.clone();
    let sweep = Sweep { title: "capacity × sigma_x".into(), columns, keys: 2, runs: (0..12).map(run).collect(), figures };
    fs::write(folder.join("index.html"), index_page(&sweep)?)?;
    Ok(())
}
