//! The data that the page's scripts read, as JSON.
//!
//! Numbers are rounded to 32-bit floats, which keeps seven figures in half the space; what is no number becomes null.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::budget::Plan;
use super::pack::{map_bytes, pack};
use super::{Cloud, ColorScale, Column, Map, NullSummary, Report, ReportError, ReportUnit, UnitInArena, assets};
use crate::colormap::Colormap;
use crate::style::module_color;

/// All of a report that is drawn by scripts.
#[derive(Serialize)]
struct Payload<'a> {
    arenas: Vec<ArenaData<'a>>,
    scores: Vec<ColumnData<'a>>,
    measures: Vec<ColumnData<'a>>,
    units: Vec<UnitData<'a>>,
    clouds: Vec<CloudData<'a>>,
    palettes: Palettes,
    module_colors: Vec<String>,
    /// The 3D library, packed; empty without clouds.
    three: String,
}

#[derive(Serialize)]
struct ArenaData<'a> {
    label: &'a str,
    size: [f32; 2],
}

#[derive(Serialize)]
struct ColumnData<'a> {
    name: &'a str,
    unit: &'a str,
    meaning: &'a str,
    decimals: Option<usize>,
    in_table: bool,
}

#[derive(Serialize)]
struct UnitData<'a> {
    unit: usize,
    module: Option<usize>,
    reason: &'a str,
    arenas: Vec<UnitArenaData<'a>>,
    /// The maps' codes, in the order of arenas and, within, ratemap, autocorrelogram, spectrum.
    codes: String,
}

#[derive(Serialize)]
struct UnitArenaData<'a> {
    class: &'a str,
    reason: &'a str,
    scores: Vec<ScoreData<'a>>,
    measures: Vec<f32>,
    maps: [Option<MapData>; 3],
    waves: Vec<[f32; 2]>,
}

#[derive(Serialize)]
struct ScoreData<'a> {
    value: f32,
    p: f32,
    q: f32,
    reason: &'a str,
    null: Option<NullData<'a>>,
}

#[derive(Serialize)]
struct NullData<'a> {
    defined: usize,
    undefined: usize,
    low: f32,
    high: f32,
    counts: &'a [u32],
    quantiles: [f32; 5],
}

#[derive(Serialize)]
struct MapData {
    rows: usize,
    columns: usize,
    low: f32,
    high: f32,
    step: [f32; 2],
    bytes: usize,
}

#[derive(Serialize)]
struct CloudData<'a> {
    label: &'a str,
    axes: &'a [String; 3],
    colors: Vec<CloudColorData<'a>>,
    count: usize,
    total: usize,
    ranges: Vec<(f32, f32)>,
    codes: String,
}

#[derive(Serialize)]
struct CloudColorData<'a> {
    label: &'a str,
    turn: bool,
}

#[derive(Serialize)]
struct Palettes {
    rate: String,
    correlation: String,
    phase: String,
}

/// The JSON text, fit for a script element: it holds no `<`.
pub(super) fn json(report: &Report, plan: &Plan) -> Result<String, ReportError> {
    let render = |message: String| ReportError::Render { message };
    let payload = payload(report, plan).map_err(|error| render(error.to_string()))?;
    let text = serde_json::to_string(&payload).map_err(|error| render(error.to_string()))?;
    Ok(text.replace('<', "\\u003c"))
}

fn payload<'a>(report: &'a Report, plan: &Plan) -> io::Result<Payload<'a>> {
    let modules = report.units.iter().filter_map(|unit| unit.module).max().map_or(0, |module| module + 1);
    let palette = |map: Colormap| STANDARD.encode(map.palette().concat());
    let color = |module: Option<usize>| {
        let color = module_color(module);
        format!("#{:02x}{:02x}{:02x}", color.0, color.1, color.2)
    };
    Ok(Payload {
        arenas: report
            .arenas
            .iter()
            .map(|arena| ArenaData { label: &arena.label, size: [arena.width_m as f32, arena.height_m as f32] })
            .collect(),
        scores: report.scores.iter().map(|score| column(&score.column, score.in_table)).collect(),
        measures: report.measures.iter().map(|measure| column(&measure.column, measure.in_table)).collect(),
        units: report.units.iter().map(|one| unit(one, plan)).collect::<io::Result<_>>()?,
        clouds: report.clouds.iter().map(|one| cloud(one, plan.cloud_points)).collect::<io::Result<_>>()?,
        palettes: Palettes {
            rate: palette(Colormap::Viridis),
            correlation: palette(Colormap::BlueWhiteRed),
            phase: palette(Colormap::PhaseRing),
        },
        // Colours repeat after a while, and a module's number has no bound.
        module_colors: (0..modules.min(64)).map(Some).chain([None]).map(color).collect(),
        three: if report.clouds.is_empty() { String::new() } else { pack(assets::THREE.as_bytes())? },
    })
}

fn column(column: &Column, in_table: bool) -> ColumnData<'_> {
    ColumnData {
        name: &column.name,
        unit: &column.unit,
        meaning: &column.meaning,
        decimals: column.decimals.map(|decimals| decimals.min(12)),
        in_table,
    }
}

fn unit<'a>(unit: &'a ReportUnit, plan: &Plan) -> io::Result<UnitData<'a>> {
    let mut codes = Vec::new();
    let arenas = unit.arenas.iter().map(|here| unit_arena(here, plan, &mut codes)).collect();
    Ok(UnitData { unit: unit.unit, module: unit.module, reason: &unit.module_reason, arenas, codes: pack(&codes)? })
}

fn unit_arena<'a>(here: &'a UnitInArena, plan: &Plan, codes: &mut Vec<u8>) -> UnitArenaData<'a> {
    let mut map = |map: Option<&Map>| {
        let map = map.filter(|map| !map.codes.is_empty())?;
        let bytes = map_bytes(map);
        codes.extend_from_slice(&bytes);
        let (low, high) = (map.low as f32, map.high as f32);
        Some(MapData { rows: map.rows, columns: map.columns, low, high, step: map.step.map(|step| step as f32), bytes: bytes.len() })
    };
    let maps = &here.maps;
    UnitArenaData {
        class: &here.class,
        reason: &here.class_reason,
        scores: here
            .scores
            .iter()
            .map(|score| ScoreData {
                value: score.value as f32,
                p: score.p as f32,
                q: score.q as f32,
                reason: &score.reason,
                null: score.null.as_ref().map(null),
            })
            .collect(),
        measures: here.measures.iter().map(|&value| value as f32).collect(),
        maps: [
            map(maps.ratemap.as_ref()),
            map(maps.autocorrelogram.as_ref().filter(|_| plan.autocorrelograms)),
            map(maps.spectrum.as_ref().filter(|_| plan.spectra)),
        ],
        waves: maps.waves.iter().map(|wave| wave.map(|value| value as f32)).collect(),
    }
}

fn null(null: &NullSummary) -> NullData<'_> {
    NullData {
        defined: null.defined,
        undefined: null.undefined,
        low: null.low as f32,
        high: null.high as f32,
        counts: &null.counts,
        quantiles: null.quantiles.map(|quantile| quantile as f32),
    }
}

fn cloud(cloud: &Cloud, limit: usize) -> io::Result<CloudData<'_>> {
    let packed = cloud.pack(limit);
    let color = |color: &'_ super::CloudColor| color.scale == ColorScale::Turn;
    Ok(CloudData {
        label: &cloud.label,
        axes: &cloud.axes,
        colors: cloud.colors.iter().map(|one| CloudColorData { label: &one.label, turn: color(one) }).collect(),
        count: packed.count,
        total: packed.total,
        ranges: packed.ranges.iter().map(|&(low, high)| (low as f32, high as f32)).collect(),
        codes: pack(&packed.bytes)?,
    })
}
