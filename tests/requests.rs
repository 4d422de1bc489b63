//! How many requests of an object store each verb makes: the table in `docs/scaling.md`, which `GRIDLAKE_BLESS=1` rewrites.

use crate::common::TINY;
use crate::object_store::Remote;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scaling.md");
const KINDS: [&str; 5] = ["PUT", "LIST", "GET", "HEAD", "DELETE"];
const BEGIN: &str = "<!-- requests: made by a test -->\n";
const END: &str = "<!-- /requests -->\n";

/// What each verb asked, in the order of the table.
fn counted() -> Vec<(String, BTreeMap<&'static str, u64>)> {
    let remote = Remote::new(TINY);
    let address = Remote::address();
    let mut rows = Vec::new();
    let mut count = |what: &str, work: &dyn Fn()| {
        remote.server.faults.requests.lock().unwrap().clear();
        work();
        let mut asked = remote.server.faults.requests.lock().unwrap().clone();
        asked.remove("lease");
        rows.push((what.to_owned(), asked));
    };
    let pipeline = |verb: &'static str| {
        remote.done(verb, &[]);
    };
    let about = |arguments: &[&str]| {
        let outcome = remote.about(arguments);
        assert_eq!(outcome.code, 0, "{arguments:?}: {outcome:?}");
    };
    for stage in ["train", "record", "analyze", "draw"] {
        count(&format!("`{stage}`"), &|| pipeline(stage));
    }
    count("`run`, all fresh", &|| pipeline("run"));
    count("`plan`, all fresh", &|| pipeline("plan"));
    count("`status`", &|| about(&["status", &address]));
    count("`verify`", &|| about(&["verify", &address]));
    count("`verify --sizes`", &|| about(&["verify", "--sizes", &address]));
    for query in ["SELECT COUNT(*) FROM runs", "SELECT COUNT(*) FROM units", "SELECT unit, grid_score_sargolini FROM units"] {
        count(&format!("`sql \"{query}\"`"), &|| about(&["sql", query, "--lake", &address]));
    }
    rows
}

fn table(rows: &[(String, BTreeMap<&'static str, u64>)]) -> String {
    let mut text = format!("| Command | {} |\n|---|{}\n", KINDS.join(" | "), "---|".repeat(KINDS.len()));
    for (what, asked) in rows {
        let counts: Vec<String> = KINDS.iter().map(|kind| asked.get(kind).copied().unwrap_or(0).to_string()).collect();
        writeln!(text, "| {what} | {} |", counts.join(" | ")).unwrap();
    }
    text
}

#[test]
fn no_verb_asks_an_object_store_more_than_the_page_says() {
    let rows = counted();
    let found = table(&rows);
    let page = fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (told, after) = rest.split_once(END).unwrap();
    if std::env::var_os("GRIDLAKE_BLESS").is_some() {
        fs::write(PAGE, format!("{before}{BEGIN}{found}{END}{after}")).unwrap();
        return;
    }
    for ((what, asked), line) in rows.iter().zip(told.lines().skip(2)) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells[0], what, "GRIDLAKE_BLESS=1 rewrites the table");
        for (kind, told) in KINDS.iter().zip(&cells[1..]) {
            let (asked, told) = (asked.get(kind).copied().unwrap_or(0), told.parse::<u64>().unwrap());
            assert!(
                asked <= told,
                "{what} made {asked} requests {kind}, where the page says {told}; GRIDLAKE_BLESS=1 rewrites it\n{found}"
            );
        }
    }
    assert_eq!(rows.len() + 2, told.lines().count(), "GRIDLAKE_BLESS=1 rewrites the table");
}
