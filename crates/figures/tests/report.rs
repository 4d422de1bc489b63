//! Reports and indexes: what is written is whole, safe and small, whatever comes in.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use gridlake_figures::report::{
    Cell, Cloud, CloudColor, ColorScale, Column, Definition, Fact, Image, MAX_REPORT_BYTES, Map, Measure, NullSummary, Outcome, Report,
    ReportArena, ReportError, ReportFigure, ReportUnit, RunSummary, Score, ScoreKind, Sweep, Table, UnitInArena, UnitMaps, Verdict,
    WrittenReport, index_page, write_report,
};
use ndarray::Array2;
use serde_json::Value;
use sha2::{Digest, Sha256};

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// Markup that must never reach a page as markup.
const EVIL: &str = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>\"'&{{ }}";

/// Pseudo-random bits of an index.
fn bits(index: usize) -> u64 {
    let mut bits = (index as u64).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits ^= bits >> 29;
    bits.wrapping_mul(0x94d0_49bb_1331_11eb) >> 11
}

fn noise(index: usize) -> f64 {
    bits(index) as f64 / (1_u64 << 53) as f64
}

fn column(text: &str) -> Column {
    Column { name: text.into(), unit: text.into(), meaning: text.into(), decimals: None }
}

fn table(text: &str, value: f64) -> Table {
    let row = vec![Cell::Number(value), Cell::Count(3), Cell::Text(text.into()), Cell::Verdict(Outcome::Found, text.into())];
    Table { title: text.into(), caption: text.into(), columns: vec![column(text); 4], rows: vec![row] }
}

/// A report in which every text is `text` and every number `value`, with maps of `map(unit)`.
fn report(text: &str, value: f64, units: usize, map: &dyn Fn(usize) -> Array2<f64>) -> Report {
    let fact = || Fact { name: text.into(), value: text.into() };
    let unit = |unit: usize| {
        let values = map(unit);
        let maps = UnitMaps {
            ratemap: Some(Map::new(values.view(), [0.1; 2])),
            autocorrelogram: Some(Map::with_range(values.view(), [0.1; 2], (-1.0, 1.0))),
            spectrum: Some(Map::new(values.view(), [0.1; 2])),
            waves: vec![[value; 2]],
        };
        let score = Score { value, p: value, q: value, reason: text.into(), null: Some(NullSummary::new(&[value; 7])) };
        let here = UnitInArena { class: text.into(), class_reason: text.into(), scores: vec![score], measures: vec![value], maps };
        ReportUnit { unit, module: unit.is_multiple_of(2).then_some(unit), module_reason: text.into(), arenas: vec![here] }
    };
    let point = value as f32;
    Report {
        title: text.into(),
        subtitle: text.into(),
        notes: vec![text.into()],
        verdicts: vec![Verdict {
            name: text.into(),
            outcome: Outcome::Undecided,
            verdict: text.into(),
            numbers: vec![fact()],
            definition: text.into(),
        }],
        arenas: vec![ReportArena { label: text.into(), width_m: value, height_m: value }],
        scores: vec![ScoreKind { column: column(text), in_table: true }],
        measures: vec![Measure { column: column(text), in_table: true }],
        units: (0..units).map(unit).collect(),
        modules: table(text, value),
        no_modules_reason: text.into(),
        tables: vec![table(text, value)],
        clouds: vec![Cloud {
            label: text.into(),
            axes: [text, text, text].map(String::from),
            points: vec![[point; 3]; 5],
            colors: vec![CloudColor { label: text.into(), scale: ColorScale::Turn, values: vec![point; 5] }],
        }],
        figures: vec![ReportFigure {
            title: text.into(),
            caption: text.into(),
            image: Image::Svg("<svg xmlns=\"x\" onload=\"alert(3)\"><script>alert(4)</script></svg>".into()),
        }],
        definitions: vec![Definition { term: text.into(), meaning: text.into() }],
        provenance: vec![fact()],
        configuration: text.into(),
    }
}

fn flat(_: usize) -> Array2<f64> {
    Array2::from_elem((3, 4), 0.5)
}

/// Writes a report into a folder of its own; what was written and its text.
fn written(report: &Report) -> Result<(WrittenReport, String), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let written = write_report(report, &folder.path().join("reports").join("run.html"))?;
    let page = fs::read_to_string(&written.path)?;
    assert_eq!(page.len(), written.bytes);
    Ok((written, page))
}

/// What stands between two texts, the first time.
fn between<'a>(page: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(page.split_once(before)?.1.split_once(after)?.0)
}

fn data(page: &str) -> Result<Value, Box<dyn std::error::Error>> {
    Ok(serde_json::from_str(between(page, "<script type=\"application/json\" id=\"data\">", "</script>").ok_or("no data")?)?)
}

/// Checks that nothing in a page is markup but the page's own, and that nothing leads out of it.
fn assert_closed(page: &str, scripts: usize) {
    let lower = page.to_ascii_lowercase();
    assert_eq!(lower.matches("<script").count(), scripts, "only the page's own scripts");
    assert_eq!(lower.matches("</script").count(), scripts);
    for markup in ["<img src=x", "<!--", "javascript:", "<iframe", "<object", "<base", "srcset="] {
        assert!(!lower.contains(markup), "{markup}");
    }
    let addresses: Vec<&str> = page.match_indices("http").map(|(at, _)| between(&page[at..], "", "\"").unwrap_or("")).collect();
    let known = |address: &&str| *address == "http-equiv=" || *address == "http://www.w3.org/2000/svg";
    assert!(addresses.iter().all(known), "{addresses:?}");
    for source in lower.split("src=\"").skip(1) {
        assert!(source.starts_with("data:image/"), "{}", &source[..40.min(source.len())]);
    }
}

#[test]
fn texts_stay_texts_wherever_they_enter() -> TestResult {
    let (_, page) = written(&report(EVIL, 1.5, 3, &flat))?;
    assert_closed(&page, 2);
    assert!(page.contains("&lt;/script&gt;") || page.contains("&#60;/script&#62;"), "escaped, not dropped");
    let data = data(&page)?;
    for text in [
        &data["arenas"][0]["label"],
        &data["units"][1]["reason"],
        &data["units"][1]["arenas"][0]["class"],
        &data["clouds"][0]["axes"][2],
        &data["scores"][0]["meaning"],
    ] {
        assert_eq!(text.as_str(), Some(EVIL));
    }
    Ok(())
}

#[test]
fn the_policy_allows_the_page_s_own_scripts_and_style_only() -> TestResult {
    let (_, page) = written(&report("plain", 1.0, 1, &flat))?;
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"").ok_or("no policy")?.replace("&#39;", "'");
    assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe") && !policy.contains("connect"), "{policy}");
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let script = between(&page, "<script>", "</script>").ok_or("no script")?;
    let style = between(&page, "<style>", "</style>").ok_or("no style")?;
    let library = inflate(data(&page)?["three"].as_str().ok_or("no library")?)?;
    let (script_rule, style_rule) = policy.split_once("style-src").ok_or("no rule for styles")?;
    assert!(style_rule.contains(&hash(style)));
    assert!(script_rule.contains(&hash(script)) && script_rule.contains(&hash(std::str::from_utf8(&library)?)));
    assert_eq!(script_rule.matches("sha256-").count(), 2);
    Ok(())
}

fn inflate(text: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut bytes = Vec::new();
    DeflateDecoder::new(STANDARD.decode(text)?.as_slice()).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn nothing_at_all_is_a_report_too() -> TestResult {
    let (_, page) = written(&Report::default())?;
    assert!(page.contains("The run has no analyzed unit"));
    assert_closed(&page, 2);
    assert_eq!(data(&page)?["units"].as_array().map(Vec::len), Some(0));
    Ok(())
}

#[test]
fn undefined_numbers_everywhere_are_dashes_and_null() -> TestResult {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let (_, page) = written(&report("plain", value, 2, &|_| Array2::from_elem((2, 2), value)))?;
        let data = data(&page)?;
        let here = &data["units"][0]["arenas"][0];
        assert!(
            here["scores"][0]["value"].is_null() && here["measures"][0].is_null() && here["scores"][0]["null"]["quantiles"][2].is_null()
        );
        assert_eq!(here["scores"][0]["null"]["undefined"], 7);
        assert_eq!(data["clouds"][0]["count"], 0);
        let modules = page.split_once("id=\"modules\"").ok_or("no modules")?.1;
        let cell = between(modules, "<td class=\"number\" data-sort=\"", "</td>").ok_or("no cell")?;
        assert!(cell.starts_with("\"><span>–"), "{cell}");
        assert!(!page.contains(">NaN") && !page.contains(">inf"));
    }
    Ok(())
}

#[test]
fn dead_networks_and_runs_without_modules_say_so() -> TestResult {
    let dead = |dead_in: &[&str]| {
        let mut report = report("plain", 1.0, 2, &flat);
        report.arenas = ["small", "large"].map(|label| ReportArena { label: label.into(), width_m: 1.0, height_m: 1.0 }).to_vec();
        for unit in &mut report.units {
            unit.arenas.push(unit.arenas[0].clone());
            for (here, arena) in unit.arenas.iter_mut().zip(["small", "large"]) {
                here.class = if dead_in.contains(&arena) { "dead".into() } else { "grid".into() };
            }
        }
        report
    };
    let (_, page) = written(&dead(&["small", "large"]))?;
    assert!(page.contains("The network is dead: none of its 2 units is active in any arena."));
    let (_, page) = written(&dead(&["large"]))?;
    assert!(page.contains("The network is dead in large: none of its 2 units is active there."));
    let mut alive = dead(&[]);
    let (_, page) = written(&alive)?;
    assert!(!page.contains("The network is dead") && !page.contains("No module was found"));
    alive.modules.rows.clear();
    let (_, page) = written(&alive)?;
    assert!(page.contains("No module was found: plain"));
    Ok(())
}

#[test]
fn a_map_without_bins_is_no_map() -> TestResult {
    let (_, page) = written(&report("plain", 1.0, 1, &|_| Array2::zeros((0, 3))))?;
    assert_eq!(data(&page)?["units"][0]["arenas"][0]["maps"], Value::Array(vec![Value::Null; 3]));
    Ok(())
}

#[test]
fn maps_in_the_page_are_those_that_were_given() -> TestResult {
    let map = |unit: usize| {
        Array2::from_shape_fn(
            (11, 9),
            |(row, column)| if row == 2 && column == 3 { f64::NAN } else { noise(unit * 100 + row * 9 + column) * 2.0 - 0.7 },
        )
    };
    let (_, page) = written(&report("plain", 1.0, 3, &map))?;
    let data = data(&page)?;
    for unit in 0..3 {
        let packed = inflate(data["units"][unit]["codes"].as_str().ok_or("no codes")?)?;
        let about = &data["units"][unit]["arenas"][0]["maps"][0];
        let (low, high) = (about["low"].as_f64().ok_or("low")?, about["high"].as_f64().ok_or("high")?);
        assert_eq!((&about["rows"], &about["columns"], &about["bytes"]), (&11.into(), &9.into(), &99.into()));
        let mut code = 0_u8;
        for (value, difference) in map(unit).iter().zip(&packed) {
            code = code.wrapping_add(*difference);
            let kept = if code == 255 { f64::NAN } else { low + f64::from(code) / 254.0 * (high - low) };
            // Half a level, and the ends' rounding to 32 bits.
            let close = (kept - value).abs() <= (high - low) / 508.0 + 1e-6;
            assert!(close || kept.is_nan() && value.is_nan(), "{value} was kept as {kept}");
        }
    }
    Ok(())
}

#[test]
fn the_same_report_has_the_same_bytes() -> TestResult {
    let report = report("plain", 0.1, 4, &|unit| Array2::from_shape_fn((5, 5), |(row, column)| noise(unit + row * 5 + column)));
    assert_eq!(written(&report)?.1, written(&report)?.1);
    Ok(())
}

#[test]
fn what_is_too_large_is_left_out_and_told() -> TestResult {
    let mut report = report("plain", 1.0, 1, &flat);
    let picture =
        |bytes: usize| Image::Png(b"\x89PNG\r\n\x1a\n".iter().copied().chain((0..bytes).map(|index| bits(index) as u8)).collect());
    for (title, bytes) in [("small", 10_000), ("huge", 8_000_000)] {
        report.figures.push(ReportFigure { title: title.into(), caption: String::new(), image: picture(bytes) });
    }
    report.clouds[0].points = (0..12_000).map(|index| [noise(index) as f32, noise(index + 1) as f32, noise(index + 2) as f32]).collect();
    report.clouds[0].colors[0].values = vec![0.0; 12_000];
    let (written_report, page) = written(&report)?;
    assert!(written_report.bytes <= MAX_REPORT_BYTES);
    assert_eq!(written_report.left_out.len(), 2, "{:?}", written_report.left_out);
    assert!(
        page.contains("Figures left out to keep this file small, to be found among the run")
            && page.contains("alt=\"small\"")
            && !page.contains("alt=\"huge\"")
    );
    assert_eq!((&data(&page)?["clouds"][0]["count"], &data(&page)?["clouds"][0]["total"]), (&1_000.into(), &12_000.into()));
    Ok(())
}

#[test]
fn what_cannot_be_made_small_is_refused_with_numbers() -> TestResult {
    let map = |unit: usize| Array2::from_shape_fn((300, 300), |(row, column)| noise(unit * 90_000 + row * 300 + column));
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("run.html");
    let mut report = report("plain", 1.0, 90, &map);
    report.clouds.clear();
    report.figures.clear();
    let refused = write_report(&report, &path);
    assert!(matches!(refused, Err(ReportError::TooLarge { bytes, limit: MAX_REPORT_BYTES }) if bytes > MAX_REPORT_BYTES), "{refused:?}");
    assert!(!path.exists());
    Ok(())
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    type Spoil = fn(&mut Report);
    let shapes: [Spoil; 5] = [
        |report| report.arenas.clear(),
        |report| report.units[0].arenas[0].measures.clear(),
        |report| report.units[0].arenas[0].scores.clear(),
        |report| report.modules.rows[0].truncate(2),
        |report| report.clouds[0].colors[0].values.truncate(1),
    ];
    for spoil in shapes {
        let mut report = report("plain", 1.0, 2, &flat);
        spoil(&mut report);
        let refused = write_report(&report, &PathBuf::from("not-written.html"));
        assert!(matches!(refused, Err(ReportError::Shape { .. })), "{refused:?}");
    }
    let mut twice = report("plain", 1.0, 2, &flat);
    twice.units[1].unit = 0;
    assert!(matches!(write_report(&twice, &PathBuf::from("not-written.html")), Err(ReportError::Duplicate { .. })));
    let mut no_picture = report("plain", 1.0, 1, &flat);
    no_picture.figures[0].image = Image::Png(b"text".to_vec());
    assert!(matches!(write_report(&no_picture, &PathBuf::from("not-written.html")), Err(ReportError::Image { .. })));
}

#[test]
fn an_index_is_closed_and_links_to_files_only() -> TestResult {
    let run = |link: Option<&str>| RunSummary {
        name: EVIL.into(),
        report: link.map(String::from),
        cells: vec![Cell::Number(f64::NAN), Cell::Verdict(Outcome::Absent, EVIL.into())],
    };
    let sweep = |runs| Sweep { title: EVIL.into(), columns: vec![column(EVIL); 2], keys: 1, runs, figures: Vec::new() };
    let page = index_page(&sweep(vec![run(Some("reports/a \"b\" 100%.html")), run(None)]))?;
    assert_closed(&page, 1);
    let link = between(&page, "<a href=\"reports", "\"").ok_or("no link")?;
    assert!(link.contains("100%25.html") && !link.contains('<'), "{link}");
    assert!(index_page(&Sweep::default())?.contains("The sweep has no run."));
    assert!(matches!(index_page(&sweep(vec![run(Some("javascript:alert(1)"))])), Err(ReportError::Link { .. })));
    // Figures are inside it, as far as they fit; what is no picture is none.
    let picture = |bytes: usize| ReportFigure {
        title: EVIL.into(),
        caption: String::new(),
        image: Image::Svg(format!("<svg>{}</svg>", "x".repeat(bytes))),
    };
    let with = |figures| Sweep { figures, ..sweep(vec![run(None)]) };
    let page = index_page(&with(vec![picture(10), picture(gridlake_figures::report::MAX_REPORT_BYTES), picture(20)]))?;
    assert_closed(&page, 1);
    assert_eq!(page.matches("<img src=\"data:image/svg+xml").count(), 2);
    assert!(page.contains("Left out to keep this file small") && page.len() < gridlake_figures::report::MAX_REPORT_BYTES);
    let text = ReportFigure { image: Image::Png(b"text".to_vec()), ..picture(0) };
    assert!(matches!(index_page(&with(vec![text])), Err(ReportError::Image { .. })));
    let mut short = run(None);
    short.cells.pop();
    assert!(matches!(index_page(&sweep(vec![short])), Err(ReportError::Shape { .. })));
    Ok(())
}
