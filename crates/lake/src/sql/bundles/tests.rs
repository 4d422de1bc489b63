//! Answers with bundles are those without, whatever has happened to the lake or to them.

use super::*;
use crate::frame::{Data, Frame};
use crate::manifest::{Entry, Manifest};
use crate::partition::{Owner, Publication};
use crate::schema::ACTIVITY;
use crate::sql::query;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// One run's file, and what its manifest says of it.
struct Template(Vec<u8>, Entry);

/// Files of 1 to 3 rows, of 5 and of 6 units; the last is of an older gridlake, which knew no `time_s`.
fn templates(lake: &Lake) -> Vec<Template> {
    let of = |rows: usize, units: usize| {
        let frame = Frame::new(&ACTIVITY, rows)
            .with("arena", Data::repeat("square-2m", rows))
            .with("box_m", vec![2.0; rows])
            .with("trajectory", vec![rows as u32; rows])
            .with("t", (1..=rows as u32).collect::<Vec<_>>())
            .with("g", Data::Floats { length: units, values: (0..rows * units).map(|place| (place as f32).cos()).collect() });
        let frame = ["x_m", "y_m", "vx_m", "vy_m"].iter().fold(frame, |frame, name| frame.with(name, vec![units as f64 / 7.0; rows]));
        let run = format!("template-{rows}-{units}");
        let mut publication = Publication::begin(lake, Owner { run: run.clone(), fingerprint: "f".into() }, "record", 3).unwrap();
        publication.write(frame.with("time_s", vec![0.5; rows])).unwrap();
        publication.publish().unwrap();
        let (key, entry) = Manifest::load(lake, &run).unwrap().files.pop_first().unwrap();
        let bytes = fs::read(lake.show(&key)).unwrap();
        fs::remove_dir_all(lake.show(&format!("runs/{run}"))).unwrap();
        Template(bytes, entry)
    };
    let Template(new, entry) = of(3, 5);
    let batch = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(new)).unwrap().build().unwrap().next().unwrap().unwrap();
    let without = batch.project(&(0..batch.num_columns() - 1).collect::<Vec<_>>()).unwrap();
    let mut old = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut old, without.schema(), None).unwrap();
    writer.write(&without).unwrap();
    writer.close().unwrap();
    let entry = Entry { bytes: old.len() as u64, ..entry };
    vec![of(1, 5), of(2, 6), of(2, 5), Template(old, entry)]
}

fn name(run: usize) -> String {
    format!("many-s{run:04}")
}

fn part(lake: &Lake, run: usize) -> PathBuf {
    lake.show(&crate::layout::part(&ACTIVITY, &name(run), 3))
}

fn write(lake: &Lake, run: usize, Template(bytes, entry): &Template) {
    let (name, part) = (name(run), part(lake, run));
    let (folder, aside) = (part.parent().unwrap(), part.with_extension("new"));
    fs::create_dir_all(folder).unwrap();
    fs::write(&aside, bytes).unwrap();
    fs::rename(&aside, &part).unwrap();
    fs::create_dir_all(lake.show(&format!("runs/{name}"))).unwrap();
    fs::write(lake.show(&crate::layout::run_record(&name)), "{}").unwrap();
    let key = crate::layout::part(&ACTIVITY, &name, 3);
    let files = serde_json::json!({ "format": 1, "files": { (key): entry } });
    fs::write(lake.show(&crate::layout::manifest(&name)), files.to_string()).unwrap();
}

fn age() {
    std::thread::sleep(Duration::from_millis(2100));
}

fn lake() -> (tempfile::TempDir, Lake, Vec<Template>) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::create(&folder.path().join("lake").to_str().unwrap().parse().unwrap()).unwrap();
    let templates = templates(&lake);
    for run in 0..MANY + 100 {
        write(&lake, run, &templates[run % 4]);
    }
    age();
    (folder, lake, templates)
}

const ALL: &str = "SELECT * FROM activity";

fn ask(lake: &Lake, text: &str) -> Result<String, String> {
    let mut answer = Vec::new();
    query(lake, text, None, &|_, _, _| ()).and_then(|rows| rows.write_csv(&mut answer)).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(answer).unwrap())
}

/// The same where nothing can be kept, and nothing is.
fn directly(lake: &Lake, text: &str) -> Result<String, String> {
    let (index, away) = (lake.show(".index"), lake.show(".away"));
    let had = fs::rename(&index, &away).is_ok();
    fs::write(&index, "").unwrap();
    let answer = ask(lake, text);
    fs::remove_file(&index).unwrap();
    if had {
        fs::rename(&away, &index).unwrap();
    }
    answer
}

/// Pieces that are read now, of bundles and of files where they are.
fn pieces(lake: &Lake) -> (usize, usize) {
    let bundles = catalog::open(lake, &ACTIVITY);
    let listing = Listing::read(lake, &ACTIVITY).unwrap();
    let pieces = Arranged::new(lake, &listing, &bundles).all();
    let bundled = pieces.iter().filter(|piece| matches!(piece, Piece::Bundled(..))).count();
    (bundled, pieces.len() - bundled)
}

/// Names and contents of all bundles and of their catalog.
fn kept(lake: &Lake) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = fs::read_dir(lake.show(".index/tables/activity")).unwrap().map(|entry| entry.unwrap().path());
    let mut kept: Vec<_> = folder.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    kept.sort();
    kept
}

/// The same bundle where x is 9 m everywhere.
fn forge(lake: &Lake, opened: &Opened) -> catalog::Bundle {
    let whole = read_whole(&ACTIVITY, std::slice::from_ref(opened), &[0]).unwrap().unwrap();
    let mut rows = whole.with_column(polars::prelude::lit(9.0).alias("x_m")).collect().unwrap();
    let mut bytes = Vec::new();
    polars::prelude::ParquetWriter::new(&mut bytes).finish(&mut rows).unwrap();
    let file = format!("forged-{}", opened.bundle.file);
    fs::write(lake.show(&catalog::key(&ACTIVITY, &file)), &bytes).unwrap();
    catalog::Bundle { file, bytes: bytes.len() as u64, crc32: crc32fast::hash(&bytes), ..opened.bundle.clone() }
}

#[test]
fn bundles_change_nothing_whatever_has_happened_to_them() {
    let (_folder, lake, _) = lake();
    let expected = directly(&lake, ALL).unwrap();
    // 275 runs each of 1, 2, 2 and 3 rows.
    assert!(expected.lines().count() == 1 + 275 * 8 && expected.lines().nth(1).unwrap().ends_with(",many-s0000,3"), "{}", &expected[..500]);
    assert_eq!(ask(&lake, "SELECT x_m FROM activity WHERE run = 'many-s0003'").unwrap().lines().count(), 4);
    assert_eq!(ask(&lake, "SELECT x_m FROM activity LIMIT 3").unwrap().lines().count(), 4);
    assert!(!lake.show(".index/tables").exists(), "who asks for little waits for nothing");
    assert!(ask(&lake, ALL).as_ref() == Ok(&expected), "made at the first question");
    assert_eq!(pieces(&lake), (2, 0), "one of each length of lists");
    assert!(ask(&lake, ALL).as_ref() == Ok(&expected), "and used at the second");
    for text in [
        "SELECT run, COUNT(*) AS n, SUM(time_s) AS s, MAX(ARRAY_LENGTH(g)) AS g FROM activity GROUP BY run ORDER BY run",
        "SELECT COUNT(*) AS n FROM activity WHERE time_s IS NULL AND run LIKE 'many-s0%'",
        "SELECT a.run, b.t FROM activity AS a JOIN activity AS b ON a.run = b.run AND a.t = b.t ORDER BY a.run, b.t",
        "SELECT run, step, g FROM activity WHERE t = 2 OR run > 'many-s0900'",
    ] {
        assert!(ask(&lake, text) == directly(&lake, text), "{text}");
    }
    let old = kept(&lake);
    assert_eq!(old.len(), 3);
    // They are what is read: one that says something else, and is what the catalog names, is answered as it says.
    let forged: Vec<_> = catalog::open(&lake, &ACTIVITY).into_iter().map(|opened| forge(&lake, &opened)).collect();
    catalog::save(&lake, &ACTIVITY, &forged);
    let sum = ask(&lake, "SELECT SUM(x_m) AS sum, COUNT(*) AS n FROM activity").unwrap();
    assert_eq!(sum, format!("sum,n\n{}.0,{}\n", 9 * 275 * 8, 275 * 8));
    for (path, bytes) in &old {
        fs::write(path, bytes).unwrap();
    }
    for (path, bytes) in &old {
        for length in [0, 17, bytes.len() / 2, bytes.len() - 1] {
            fs::write(path, &bytes[..length]).unwrap();
            assert!(ask(&lake, ALL).as_ref() == Ok(&expected), "{} torn to {length} bytes", path.display());
        }
        for at in [2, 18, bytes.len() / 2, bytes.len() - 3] {
            let mut other = bytes.clone();
            other[at] ^= 1;
            fs::write(path, other).unwrap();
            assert!(ask(&lake, ALL).as_ref() == Ok(&expected), "{}: byte {at}", path.display());
        }
        fs::remove_file(path).unwrap();
        assert!(ask(&lake, ALL).as_ref() == Ok(&expected), "{} removed", path.display());
        assert_eq!(pieces(&lake), (2, 0), "made anew");
    }
    // Of another gridlake, whose table has other columns.
    let bundles: Vec<_> = catalog::open(&lake, &ACTIVITY).into_iter().map(|opened| opened.bundle).collect();
    let others: Vec<_> = bundles.into_iter().map(|bundle| catalog::Bundle { columns: "x_m f64".into(), ..bundle }).collect();
    catalog::save(&lake, &ACTIVITY, &others);
    assert_eq!(pieces(&lake).0, 0);
    assert!(ask(&lake, ALL).as_ref() == Ok(&expected) && pieces(&lake) == (2, 0));
}

#[test]
fn files_that_change_come_and_go_are_seen_with_bundles_as_without() {
    let (_folder, lake, templates) = lake();
    ask(&lake, ALL).unwrap();
    let old = kept(&lake);
    // Analyzed anew, with more rows, and with lists of another length; gone; new, before others and after; a file that no manifest names.
    write(&lake, 5, &templates[0]);
    write(&lake, 8, &templates[1]);
    fs::remove_dir_all(lake.show("runs/many-s0013")).unwrap();
    fs::write(lake.show("runs/many-s0017/manifest.json"), "{\"format\":1,\"files\":{}}").unwrap();
    write(&lake, 7000, &templates[2]);
    fs::rename(lake.show("runs/many-s0021"), lake.show("runs/many-s0021-more")).unwrap();
    fs::rename(lake.show("tables/activity/run=many-s0021"), lake.show("tables/activity/run=many-s0021-more")).unwrap();
    let manifest = lake.show("runs/many-s0021-more/manifest.json");
    fs::write(&manifest, fs::read_to_string(&manifest).unwrap().replace("s0021", "s0021-more")).unwrap();
    let now = directly(&lake, ALL).unwrap();
    assert!(now.contains("many-s0021-more") && now.contains("many-s7000") && !now.contains("many-s0013") && !now.contains("many-s0017"));
    assert!(ask(&lake, ALL).as_ref() == Ok(&now));
    assert!(kept(&lake) == old && pieces(&lake).1 > 2, "few are read where they are");
    age();
    assert!(ask(&lake, ALL).as_ref() == Ok(&now) && kept(&lake) == old);
    // Many are not, once they are not too young to be told apart.
    for run in 100..200 {
        write(&lake, run, &templates[3 - run % 4]);
    }
    let now = directly(&lake, ALL).unwrap();
    assert!(ask(&lake, ALL).as_ref() == Ok(&now));
    age();
    assert!(ask(&lake, ALL).as_ref() == Ok(&now));
    assert_eq!(pieces(&lake), (2, 0), "made anew");
    assert!(ask(&lake, ALL).as_ref() == Ok(&now));
    // Another process has kept what was so at another time.
    for (path, bytes) in &old {
        fs::write(path, bytes).unwrap();
    }
    assert!(pieces(&lake).1 > 2 && ask(&lake, ALL).as_ref() == Ok(&now));
    // What is torn or gone fails the question as it does without.
    let whole = fs::read(part(&lake, 31)).unwrap();
    fs::write(part(&lake, 31), &whole[..whole.len() / 2]).unwrap();
    assert!(ask(&lake, ALL).is_err() && directly(&lake, ALL).is_err());
    fs::remove_file(part(&lake, 31)).unwrap();
    assert!(ask(&lake, ALL).is_err() && directly(&lake, ALL).is_err());
    fs::write(part(&lake, 31), &whole).unwrap();
    assert!(ask(&lake, ALL).as_ref() == Ok(&now));
}

#[test]
fn a_file_of_which_a_column_is_torn_keeps_no_other_out_of_bundles() {
    let (_folder, lake, _) = lake();
    let path = part(&lake, 500);
    let mut bytes = fs::read(&path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes.clone())).unwrap();
    let place = builder.schema().index_of("vx_m").unwrap();
    let (start, length) = builder.metadata().row_group(0).column(place).byte_range();
    bytes[start as usize..(start + length) as usize].fill(0xff);
    fs::write(&path, bytes).unwrap();
    age();
    let (well, ill) = ("SELECT run, x_m, t FROM activity", "SELECT run, vx_m FROM activity");
    let expected = directly(&lake, well).unwrap();
    for _ in 0..2 {
        assert!(ask(&lake, well).as_ref() == Ok(&expected));
        assert!(ask(&lake, ill).is_err() && directly(&lake, ill).is_err());
        let (bundled, files) = pieces(&lake);
        assert!(files == 1 && bundled > 2, "{bundled} {files}");
    }
}
