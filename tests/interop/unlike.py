"""A lake whose runs are not alike: networks of two sizes, and a run of an older gridlake that lacks a column."""

import contextlib
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from lakes import Lake, Program, make
from readers import Duckdb, Pandas, Polars, Pyarrow
from schema import Table
from sql import Sums

WIDE = ("name=wide", "sweep.seeds=[5]", "train.model.units=20", "analyze.ratemap.bins=20", "analyze.nulls.count=29")


def lake(program: Program, like: Lake, folder: Path, units: Table) -> Lake:
    unlike = make(program, like.copy(folder), *WIDE)
    # The first run, whose file readers look at before all others.
    (path,) = unlike.files("units", unlike.runs[0])
    table = pq.ParquetFile(path).read()
    pq.write_table(table.drop_columns([units.columns[-1].name]), path)
    return unlike


def check(unlike: Lake, tables: dict[str, Table]) -> Sums:
    """What docs/reading.md warns of: the plain lines refuse such lists (not DuckDB's: its sums are returned), and refuse or leave out such a column."""
    units, new = tables["units"], tables["units"].columns[-1].name
    with contextlib.chdir(unlike.folder):
        for name in ("activity", "ratemaps", "autocorrelograms", "nulls"):
            table = tables[name]
            refuses(f"polars, {name}", pl.exceptions.SchemaError, lambda table=table: Polars(table).frame.collect())
            refuses(f"pandas, {name}", pa.ArrowTypeError, lambda table=table: Pandas(table))
            refuses(f"pyarrow, {name}", pa.ArrowTypeError, lambda table=table: Pyarrow(table).frame.to_table())
        lists = Duckdb(tables["activity"]).sums()
        refuses("polars, units", pl.exceptions.SchemaError, lambda: Polars(units).frame.collect())
        for reader in (Pandas, Pyarrow, Duckdb):
            assert new not in reader(units).types(), f"{reader.__name__} sees {new}, which the first file lacks"
    return lists


def refuses(what: str, error: type[Exception], read) -> None:
    try:
        read()
    except error:
        return
    raise AssertionError(f"{what}: runs that are not alike are read after all; say so in docs/reading.md")


def common(unlike: Lake, blocks: dict[str, object], tables: dict[str, Table]) -> None:
    """What the page's blocks for such lakes give: all rows, all columns, all lists."""
    files = [pq.ParquetFile(path) for path in unlike.files("activity")]
    rows = sum(file.metadata.num_rows for file in files)
    numbers = sum(file.metadata.num_rows * file.schema_arrow.field("g").type.list_size for file in files)
    with contextlib.chdir(unlike.folder):
        lengths = {
            "polars": blocks["activity"]["g"].list.len().to_list(),
            "pandas": blocks["activity_pandas"].g.map(len).to_list(),
            "pyarrow": pc.list_value_length(blocks["activity_pyarrow"].to_table()["g"]).to_pylist(),
            "DuckDB": [length for (length,) in blocks["activity_duckdb"].project("len(g)").fetchall()],
        }
        columns = {
            "polars": blocks["units"].columns,
            "pandas": list(blocks["units_pandas"]),
            "pyarrow": blocks["units_pyarrow"].schema.names,
            "DuckDB": blocks["units_duckdb"].columns,
        }
    for reader, found in lengths.items():
        assert (len(found), sum(found)) == (rows, numbers), f"{reader} reads {len(found)} rows with {sum(found)} numbers, not {rows} with {numbers}"
    expected = {column.name for column in tables["units"].all_columns}
    for reader, names in columns.items():
        assert set(names) == expected, f"{reader} sees other columns of units: {expected ^ set(names)}"
    unit = blocks["units_pyarrow"].schema.field("period_m").metadata[b"unit"]
    assert unit == b"m", unit
