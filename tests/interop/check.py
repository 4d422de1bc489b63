"""Whether what users read the lake with reads it right. Called by .ci/interop; README.md says what for."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import page
import partial
import schema
import sql
import tables
import unlike
from lakes import Lake, Program, make, make_imported


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gridlake", type=Path, help="the program under test")
    parser.add_argument("--without-sql", action="store_true", help="do not compare with `gridlake sql`")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridlake-interop-") as folder:
        try:
            check(Program(options.gridlake.resolve()), Path(folder), not options.without_sql)
        except AssertionError as error:
            sys.exit(f"error: interop: {error}")


def check(program: Program, folder: Path, with_sql: bool) -> None:
    documented = schema.tables()
    lake = make(program, Lake(folder / "plain"))
    say(f"a lake of the runs {', '.join(lake.runs)}")
    sums = check_tables(program, lake, documented, with_sql)
    # What was not there was not checked.
    assert sums["ratemaps"][lake.runs[0]]["rate"][2] > 0 and sums["autocorrelograms"][lake.runs[0]]["r"][2] > 0, "no NaN was read"
    missing = documented.keys() - sums.keys()
    missing -= check_settings(program, folder, documented, with_sql)
    cells = make_imported(program, Lake(folder / "imported"))
    say("a lake of imported grid cells")
    missing -= check_tables(program, cells, documented, with_sql).keys()
    unwritten = {name for name, table in documented.items() if not table.written}
    assert missing <= unwritten, f"tables in no lake made here: {sorted(missing - unwritten)}; tests/interop/check.py has to make one with them"
    assert unwritten <= missing, f"a stage writes {sorted(unwritten - missing)}, and docs/lake-schema.md says that none does"
    if with_sql:
        check_unwritten(program, lake, [documented[name] for name in sorted(missing)])

    partial.pruning(lake, folder / "pruning")
    partial.statistics(lake)
    say("a filter on run opens no other files; row groups have statistics")
    rounds = partial.growing(program, lake, folder / "growing", [documented[name] for name in sums])
    say(f"whole tables while a run was written, {rounds} times")
    if program.knows("export"):
        check_export(program, lake, folder / "export", documented, sums, with_sql)
    check_pages(program, lake, folder, documented, with_sql)


def asked(program: Program, lake: Lake, table: schema.Table) -> sql.Sums:
    """What `gridlake sql` says."""
    return sql.sums(table, lambda query: json.loads(program("sql", query, "--lake", str(lake.root), "--format", "json")))


def check_tables(program: Program, lake: Lake, documented: dict[str, schema.Table], with_sql: bool) -> dict[str, sql.Sums]:
    unknown = set(lake.tables) - documented.keys()
    assert not unknown, f"docs/lake-schema.md does not have {sorted(unknown)}"
    sums = {}
    for name in lake.tables:
        table = documented[name]
        sums[name] = tables.check(lake, table, asked(program, lake, table) if with_sql else None)
    say(f"{len(sums)} tables, {sum(len(documented[name].all_columns) for name in sums)} columns: types, units, partitions, sums")
    return sums


def check_unwritten(program: Program, lake: Lake, unwritten: list[schema.Table]) -> None:
    """Tables that no stage writes yet can be asked all the same: no rows, and the documented columns."""
    for table in unwritten:
        header, *rows = program("sql", f"SELECT * FROM {table.name}", "--lake", str(lake.root), "--format", "csv").splitlines()
        assert header.split(",") == [column.name for column in table.all_columns] and not rows, f"{table.name}: {header}, {len(rows)} rows"
    say(f"{len(unwritten)} tables that no stage writes yet are empty")


def check_settings(program: Program, folder: Path, documented: dict[str, schema.Table], with_sql: bool) -> set[str]:
    """Lakes of settings that change what tables there are or how they are stored, where the program has such. Returns the tables that were checked."""
    seen: set[str] = set()
    for name, setting in {"float16": program.setting(value="float16"), "keep": program.setting(key="keep")}.items():
        if setting is None:
            continue
        lake = make(program, Lake(folder / name), "sweep.seeds=[0]", setting)
        say(f"a lake with {setting}")
        seen |= check_tables(program, lake, documented, with_sql).keys()
        if name == "float16":
            stored = tables.kinds(lake, documented["activity"])["g"][0]
            assert stored == "list of float16", f"{setting} stores activity as {stored}"
    return seen


def check_export(program: Program, lake: Lake, folder: Path, documented: dict[str, schema.Table], sums: dict[str, sql.Sums], with_sql: bool) -> None:
    run, exported = lake.runs[0], Lake(folder)
    exported.root.parent.mkdir(parents=True)
    program("export", run, "--to", str(exported.root), "--lake", str(lake.root))
    say(f"{run}, exported")
    for name, found in check_tables(program, exported, documented, with_sql).items():
        tables.compare(f"{name} of the exported run", found, {run: sums[name][run]})


def check_pages(program: Program, lake: Lake, folder: Path, documented: dict[str, schema.Table], with_sql: bool) -> None:
    kinds = {column.kind for table in documented.values() for column in table.columns}
    page.told(page.READING, kinds | ({"list of float16"} if program.setting(value="float16") else set()))
    other = unlike.lake(program, lake, folder / "unlike", documented["units"])
    lists = unlike.check(other, documented)
    if with_sql:
        tables.compare("activity of unlike runs: gridlake sql and DuckDB", asked(program, other, documented["activity"]), lists)
    section = "Runs that are not alike"
    unlike.common(other, page.run_python(page.READING, other, section.__eq__), documented)
    for each in (page.READING, *page.PAGES):
        page.run_python(each, lake, section.__ne__)
    if with_sql:
        page.run_shell(page.READING, lake, program)
    say("the documentation's Python and its warnings" + (", its shell" if with_sql else ""))


STARTED = time.monotonic()


def say(what: str) -> None:
    print(f"interop: {what} ({time.monotonic() - STARTED:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
