"""Every table of a lake: what is in its files, what each reader makes of them."""

import contextlib
import json
import math

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from lakes import Lake
from readers import READERS, Pyarrow, reading
from schema import Column, Table, version
from sql import Sums

ARROW_KINDS = {Pyarrow.kinds[kind]: kind for kind in Pyarrow.kinds if kind != "integer"}


def check(lake: Lake, table: Table, gridlake_sums: Sums | None) -> Sums:
    """All readers see the documented columns and agree on their sums, as does the program itself, where it is asked."""
    stored = kinds(lake, table)
    seen = {} if gridlake_sums is None else {"gridlake sql": gridlake_sums}
    with contextlib.chdir(lake.folder):
        for reader in READERS:
            with reading(reader, table):
                opened = reader(table)
                expected = {column.name: opened.expected(column, *stored[column.name]) for column in table.all_columns}
                found = opened.types()
                assert list(found) == list(expected), f"{table.name}: {reader.__name__} sees the columns {list(found)}, not {list(expected)}"
                for name, kind in found.items():
                    assert kind == expected[name], f"{table.name}.{name}: {reader.__name__} sees {kind!r}, not {expected[name]!r}"
                seen[reader.__name__] = opened.sums()
    truth = seen["Pyarrow"]
    for reader, sums in seen.items():
        compare(f"{table.name}: {reader} and Pyarrow", sums, truth)
    partitions(lake, table, truth)
    return truth


def kinds(lake: Lake, table: Table) -> dict[str, tuple[str, int | None]]:
    """Kind and, of lists, length of each column, after every file has been held to the documentation."""
    found: dict[str, tuple[str, int | None]] = {column.name: (column.kind, None) for column in table.partitions}
    for path in lake.files(table.name):
        fields = pq.read_schema(path)
        assert fields.names == [column.name for column in table.columns], f"{path}: the columns are {fields.names}"
        for column in table.columns:
            field = fields.field(column.name)
            own = kind_of(field)
            assert own[0] in stored_as(column), f"{path}: {column.name} is {field.type}, not {column.kind}"
            assert field.nullable == column.nullable, f"{path}: {column.name} is {'' if field.nullable else 'not '}nullable"
            documented = {b"unit": column.unit.encode(), b"description": column.description.encode()}
            told = {key: value for key, value in (field.metadata or {}).items() if key in documented}
            assert told == documented, f"{path}: {column.name} says {told}, docs/lake-schema.md says {documented}"
            assert found.setdefault(column.name, own) == own, f"{path}: {column.name} is {own}, elsewhere {found[column.name]}"
        owner(lake, path)
    assert len(found) == len(table.all_columns), f"{lake.root}: no file of {table.name}"
    return found


def kind_of(field: pa.Field) -> tuple[str, int | None]:
    if pa.types.is_fixed_size_list(field.type):
        return f"list of {ARROW_KINDS[field.type.value_type]}", field.type.list_size
    return ARROW_KINDS.get(field.type, str(field.type)), None


def stored_as(column: Column) -> tuple[str, ...]:
    return (column.kind, "list of float16") if column.kind == "list of float32" else (column.kind,)


def owner(lake: Lake, path) -> None:
    """The file's own metadata, by the readers that have a way to it."""
    key = path.relative_to(lake.root)
    run = key.parts[2].removeprefix("run=")
    assert run in lake.runs, f"{path}: there is no such run"
    of_run = lake.root / "runs" / run
    parts = [of_run / "manifest.json", *sorted(of_run.glob("manifests/*.json"))]
    entry = next(filter(None, (json.loads(part.read_text())["files"].get(str(key)) for part in parts)), None)
    assert entry, f"{path}: the manifest of the run does not have it"
    expected = {"gridlake.schema_version": version(), "gridlake.run": run, "gridlake.fingerprint": entry["fingerprint"]}
    pairs = {
        "pyarrow": decoded(pq.read_metadata(path).metadata.items()),
        "polars": pl.read_parquet_metadata(path),
        "DuckDB": decoded(duckdb.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(path)]).fetchall()),
    }
    for reader, found in pairs.items():
        told = {name: value for name, value in found.items() if name.startswith("gridlake.")}
        assert told == expected, f"{path}: {reader} sees {told}, not {expected}"


def decoded(pairs) -> dict[str, str]:
    return {key.decode(): value.decode(errors="replace") for key, value in pairs}


def partitions(lake: Lake, table: Table, sums: Sums) -> None:
    """Every run is there; its step, of which there is one, is that of its record."""
    assert sorted(sums) == lake.runs, f"{table.name}: the runs are {sorted(sums)}, not {lake.runs}"
    for run, columns in sums.items():
        record = json.loads((lake.root / "runs" / run / "run.json").read_text())
        step, rows = record["stages"]["record"]["step"], columns["rows"][0]
        assert rows > 0, f"{table.name}: no rows of {run}"
        if len(table.partitions) == 2:
            assert columns["step"] == (rows, rows * step), f"{table.name}: the step of {run} is not {step}"


def compare(what: str, sums: Sums, truth: Sums) -> None:
    """Counts are the same; so are sums but for the order of addition."""
    assert sorted(sums) == sorted(truth), f"{what}: runs {sorted(sums)} and {sorted(truth)}"
    for run, columns in truth.items():
        assert sums[run].keys() == columns.keys(), f"{what}: columns {sorted(sums[run])} and {sorted(columns)}"
        for name, numbers in columns.items():
            pairs = zip(sums[run][name], numbers, strict=True)
            same = all(math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) for one, other in pairs)
            assert same, f"{what}: {name} of {run} sums up to {sums[run][name]} and {numbers}"
