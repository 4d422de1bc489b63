use super::*;

fn lake() -> (tempfile::TempDir, Lake) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::create(&folder.path().join("lake").to_str().unwrap().parse().unwrap()).unwrap();
    (folder, lake)
}

fn commit<'l>(lake: &'l Lake, key: &str, content: &str) -> Commit<'l> {
    let scratch = lake.store().scratch("r").unwrap();
    let path = scratch.path().join("file");
    std::fs::write(&path, content).unwrap();
    let mut commit = Commit::new(lake, "r");
    commit.add_file(&path, key, "draw", Some(5), "f").unwrap();
    commit
}

#[test]
fn lost_short_and_outdated_files_are_found() {
    let (_folder, lake) = lake();
    commit(&lake, "figures/r/a.png", "abc").finish().unwrap();
    let manifest = Manifest::load(&lake, "r").unwrap();
    assert_eq!(manifest.files["figures/r/a.png"].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let stale = |step, fingerprint| manifest.first_stale(&lake, "draw", Some(step), fingerprint).unwrap();
    assert_eq!(stale(5, "f"), None);
    assert_eq!(stale(5, "g").as_deref(), Some("figures/r/a.png"));
    std::fs::write(lake.show("figures/r/a.png"), "ab").unwrap();
    assert_eq!(stale(5, "f").as_deref(), Some("figures/r/a.png"));
    lake.store().remove("figures/r/a.png").unwrap();
    assert_eq!(stale(5, "f").as_deref(), Some("figures/r/a.png"));
    assert_eq!(stale(6, "f"), None);
    lake.store().write("runs/r/manifest.json", b"{\"for").unwrap();
    assert!(matches!(Manifest::load(&lake, "r"), Err(LakeError::Damaged { .. })));
    lake.store().write("runs/r/manifest.json", b"{\"format\": 9, \"files\": 3}").unwrap();
    assert!(matches!(Manifest::load(&lake, "r"), Err(LakeError::Version { found: 9, .. })));
}

#[test]
fn files_appear_and_go_together() {
    let (_folder, lake) = lake();
    commit(&lake, "figures/r/a.png", "abc").finish().unwrap();
    let mut next = commit(&lake, "figures/r/b.png", "de");
    next.remove("figures/r/a.png");
    next.remove("figures/r/b.png");
    next.finish().unwrap();
    assert_eq!(Manifest::load(&lake, "r").unwrap().files.into_keys().collect::<Vec<_>>(), ["figures/r/b.png"]);
    assert_eq!(lake.store().files_below("figures").unwrap(), [("figures/r/b.png".to_owned(), 2)]);
}

#[test]
fn what_was_decided_is_done_by_the_next_writer_and_what_was_not_is_forgotten() {
    let (_folder, lake) = lake();
    commit(&lake, "figures/r/a.png", "old").finish().unwrap();
    // Killed before the decision.
    drop(commit(&lake, "figures/r/a.png", "never"));
    Manifest::recover(&lake, "r").unwrap();
    assert_eq!(lake.store().read("figures/r/a.png").unwrap().unwrap(), b"old");
    // Killed after it, before anything was moved: readers still see the old file.
    let mut decided = commit(&lake, "figures/r/a.png", "newer");
    decided.remove("figures/r/gone.png");
    let mut manifest = Manifest::load_raw(&lake, "r").unwrap();
    manifest.pending = Some(decided.pending);
    manifest.save(&lake, "r").unwrap();
    assert_eq!(Manifest::load(&lake, "r").unwrap().files["figures/r/a.png"].bytes, 3);
    // Killed between the files and the manifest: readers see the new one.
    manifest.clone().settle(&lake, "r").unwrap();
    manifest.save(&lake, "r").unwrap();
    assert_eq!(Manifest::load(&lake, "r").unwrap().files["figures/r/a.png"].bytes, 5);
    Manifest::recover(&lake, "r").unwrap();
    Manifest::recover(&lake, "r").unwrap();
    let settled = Manifest::load_raw(&lake, "r").unwrap();
    assert_eq!((settled.pending, settled.files["figures/r/a.png"].bytes), (None, 5));
    assert_eq!(lake.store().read("figures/r/a.png").unwrap().unwrap(), b"newer");
}
/// A checkpoint and two tables of a step, as small as files can be.
fn step_of_a_run<'l>(lake: &'l Lake, step: u64, content: &str) -> Commit<'l> {
    let scratch = lake.store().scratch("r").unwrap();
    let mut commit = Commit::new(lake, "r");
    let keys =
        [layout::checkpoint("r", step), layout::part(&crate::schema::UNITS, "r", step), layout::part(&crate::schema::MODULES, "r", step)];
    for (number, key) in keys.iter().enumerate() {
        let path = scratch.path().join(number.to_string());
        std::fs::write(&path, content).unwrap();
        commit.add_file(&path, key, "analyze", Some(step), "f").unwrap();
    }
    commit
}

fn decided(commit: Commit<'_>) -> Manifest {
    let mut manifest = Manifest::load_raw(commit.lake, "r").unwrap();
    manifest.pending = Some(commit.pending);
    manifest.save(commit.lake, "r").unwrap();
    manifest
}

/// What whole manifests say, by whichever way they are read.
fn entries(lake: &Lake) -> BTreeMap<String, u64> {
    let whole = Manifest::load(lake, "r").unwrap();
    for (key, entry) in &whole.files {
        assert_eq!(Manifest::load_for(lake, "r", key).unwrap().files.get(key), Some(entry), "{key}");
    }
    whole.files.into_iter().map(|(key, entry)| (key, entry.bytes)).collect()
}

#[test]
fn a_manifest_of_many_steps_has_parts_and_stays_small() {
    let (_folder, lake) = lake();
    commit(&lake, "figures/r/a.png", "abc").finish().unwrap();
    let mut expected = BTreeMap::from([("figures/r/a.png".to_owned(), 3)]);
    let own = |lake: &Lake| lake.store().size("runs/r/manifest.json").unwrap().unwrap();
    let mut largest = 0;
    for step in 1..=200 {
        step_of_a_run(&lake, step, "abcd").finish().unwrap();
        expected.extend(
            [
                layout::checkpoint("r", step),
                layout::part(&crate::schema::UNITS, "r", step),
                layout::part(&crate::schema::MODULES, "r", step),
            ]
            .map(|key| (key, 4)),
        );
        largest = largest.max(own(&lake));
    }
    assert_eq!(entries(&lake), expected);
    assert_eq!(Manifest::load_raw(&lake, "r").unwrap().format, SPLIT, "older versions refuse what they would not see whole");
    assert!(largest < 100_000, "{largest} bytes");
    // One that is there is replaced, and another goes.
    let mut change = step_of_a_run(&lake, 7, "abcdef");
    for key in [layout::checkpoint("r", 7), layout::checkpoint("r", 8)] {
        change.pending.files.remove(&key);
        change.pending.staged.retain(|staged| staged.key() != key);
        change.remove(&key);
        expected.remove(&key);
    }
    change.finish().unwrap();
    for table in [&crate::schema::UNITS, &crate::schema::MODULES] {
        expected.insert(layout::part(table, "r", 7), 6);
    }
    assert_eq!(entries(&lake), expected);
    // A step of which nothing is left has no part.
    let mut change = Commit::new(&lake, "r");
    for key in [layout::checkpoint("r", 9), layout::part(&crate::schema::UNITS, "r", 9), layout::part(&crate::schema::MODULES, "r", 9)] {
        change.remove(&key);
        expected.remove(&key);
    }
    change.finish().unwrap();
    assert_eq!(entries(&lake), expected);
    assert_eq!(lake.store().size(&layout::manifest_part("r", 9)).unwrap(), None);
    lake.store().write(&layout::manifest_part("r", 10), b"{").unwrap();
    let error = Manifest::load(&lake, "r").unwrap_err().to_string();
    assert!(error.contains("step-000000010.json") && error.contains("what is of this step is made anew"), "{error}");
    assert_eq!(Manifest::load_step(&lake, "r", 11).unwrap().of("analyze", Some(11)).count(), 3, "other steps do not care");
}

#[test]
fn a_long_manifest_of_an_older_version_is_read_and_written_on() {
    let (_folder, lake) = lake();
    let mut expected = BTreeMap::new();
    let entry =
        Entry { stage: "analyze".into(), step: None, fingerprint: "f".into(), bytes: 4, sha256: String::new(), rows: None, lists: None };
    let files = (1..=500).map(|step| (layout::checkpoint("r", step), Entry { step: Some(step), ..entry.clone() }));
    let mut old = Manifest::of_files(files);
    old.save(&lake, "r").unwrap();
    expected.extend((1..=500).map(|step| (layout::checkpoint("r", step), 4)));
    assert_eq!(entries(&lake), expected);
    // What a kill in the middle of the first division may have left, when the manifest has changed since.
    lake.store().write(&layout::manifest_part("r", 3), b"{\"format\": 2, \"files\": {\"tables/units/run=r/step=3/part-0.parquet\": {\"stage\": \"analyze\", \"step\": 3, \"fingerprint\": \"\", \"bytes\": 1, \"sha256\": \"\", \"rows\": 1}}}").unwrap();
    lake.store().write(&layout::manifest_part("r", 501), b"{").unwrap();
    assert_eq!(entries(&lake), expected, "nobody looks at parts of a manifest that has none");
    step_of_a_run(&lake, 250, "abcdef").finish().unwrap();
    let of_250 =
        [layout::checkpoint("r", 250), layout::part(&crate::schema::UNITS, "r", 250), layout::part(&crate::schema::MODULES, "r", 250)];
    expected.extend(of_250.map(|key| (key, 6)));
    assert_eq!(entries(&lake), expected);
    assert_eq!(Manifest::load_raw(&lake, "r").unwrap().files.len(), 1, "the last step");
}

#[test]
fn a_kill_at_any_moment_of_a_publication_with_parts_is_ended_by_the_next_writer() {
    // Whatever was written before the kill, in its order, is there; what comes after is not. So every prefix of the changes of a publication is tried.
    for divides in [false, true] {
        let state = |lake: &Lake| -> BTreeMap<String, Vec<u8>> {
            let files = lake.store().files_below("").unwrap().into_iter();
            files.map(|(key, _)| (key.clone(), lake.store().read(&key).unwrap().unwrap())).collect()
        };
        let (_folder, before) = lake();
        let keys = |step: u64| {
            let tables = [&crate::schema::UNITS, &crate::schema::MODULES].map(|table| layout::part(table, "r", step));
            [layout::checkpoint("r", step)].into_iter().chain(tables).map(move |key| (key, step))
        };
        let entry = |step: u64| Entry {
            stage: "analyze".into(),
            step: Some(step),
            fingerprint: "f".into(),
            bytes: 4,
            sha256: String::new(),
            rows: None,
            lists: None,
        };
        let files = (1..=if divides { 42 } else { 60 }).flat_map(keys).map(|(key, step)| {
            let path = before.show(&key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "abcd").unwrap();
            (key, entry(step))
        });
        Manifest::of_files(files).save(&before, "r").unwrap();
        if !divides {
            step_of_a_run(&before, 60, "abcd").finish().unwrap();
        }
        let before = state(&before);
        let fresh = || {
            let (folder, lake) = lake();
            for (key, bytes) in &before {
                let path = lake.show(key);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
            (folder, lake)
        };
        let change = |lake: &Lake| -> Manifest {
            let step = if divides { 43 } else { 7 };
            let mut commit = step_of_a_run(lake, step, "abcdef");
            let path = lake.store().scratch("r").unwrap().path().join("figure");
            std::fs::write(&path, "figure").unwrap();
            commit.add_file(&path, "figures/r/a.png", "draw", Some(step), "f").unwrap();
            commit.remove(&layout::checkpoint("r", 8));
            decided(commit)
        };
        let (_folder, undisturbed) = fresh();
        change(&undisturbed).settle(&undisturbed, "r").unwrap();
        let expected = entries(&undisturbed);
        let after = state(&undisturbed);
        let changes = |key: &&String| key.starts_with("runs/r/manifests/") && after.get(*key) != before.get(*key);
        let parts_after: Vec<&String> = after.keys().filter(changes).collect();
        assert_eq!(parts_after.len(), if divides { 42 } else { 2 });
        // None, all, and some in between.
        for done in (0..=parts_after.len()).step_by(if divides { 7 } else { 1 }) {
            let (_folder, lake) = fresh();
            let manifest = change(&lake);
            // The files themselves, then parts one by one, and never the manifest.
            let Some(pending) = &manifest.pending else { panic!("decided") };
            for staged in &pending.staged {
                lake.store().adopt(staged, 6, "").unwrap();
            }
            for key in &pending.removed {
                lake.store().remove(key).unwrap();
            }
            for key in &parts_after[..done] {
                lake.store().write(key, &after[*key]).unwrap();
            }
            assert_eq!(entries(&lake), expected, "a reader, {done} parts written");
            Manifest::recover(&lake, "r").unwrap();
            assert_eq!(entries(&lake), expected, "after the next writer, {done} parts written");
            step_of_a_run(&lake, 8, "abcdefgh").finish().unwrap();
            let now = entries(&lake);
            assert_eq!((now.len(), now[&layout::checkpoint("r", 8)]), (expected.len() + 1, 8), "{done} parts written");
        }
    }
}
