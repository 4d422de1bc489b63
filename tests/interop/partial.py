"""Readers that want a part of the lake, or want it while it grows."""

import contextlib
import itertools
import os
import re
import subprocess
import threading
from pathlib import Path

import duckdb
import pandas
import polars as pl
import pyarrow.dataset
import pyarrow.parquet as pq
from lakes import Lake, Program, arguments
from readers import READERS, reading
from schema import Table

GLOB = "data/lake/tables/units/**/*.parquet"


def pruning(lake: Lake, folder: Path) -> None:
    """A filter on `run` opens that run's files only: the others may be torn."""
    lake = lake.copy(folder)
    kept, torn = lake.runs
    for path in lake.files("units", torn):
        path.write_bytes(b"no Parquet file any more")

    def counts(wanted: str | None) -> dict[str, object]:
        def polars_rows():
            units = pl.scan_parquet(GLOB, hive_partitioning=True)
            return (units if wanted is None else units.filter(pl.col("run") == wanted)).collect().height

        def pandas_rows():
            return len(pandas.read_parquet("data/lake/tables/units", filters=wanted and [("run", "==", wanted)]))

        def pyarrow_rows():
            units = pyarrow.dataset.dataset("data/lake/tables/units", partitioning="hive")
            return units.to_table(filter=None if wanted is None else pyarrow.dataset.field("run") == wanted).num_rows

        def duckdb_rows():
            condition = "" if wanted is None else f"WHERE run = '{wanted}'"
            return len(duckdb.sql(f"SELECT * FROM read_parquet('{GLOB}', hive_partitioning=true) {condition}").fetchall())

        found: dict[str, object] = {}
        for rows in (polars_rows, pandas_rows, pyarrow_rows, duckdb_rows):
            try:
                found[rows.__name__] = rows()
            except (pl.exceptions.PolarsError, pyarrow.ArrowInvalid, duckdb.Error) as error:
                found[rows.__name__] = type(error)
        return found

    (file,) = lake.files("units", kept)
    expected = pq.read_metadata(file).num_rows
    with contextlib.chdir(lake.folder):
        for reader, rows in counts(kept).items():
            assert rows == expected, f"{reader}: {rows} of run {kept}, not {expected}: it opens other runs' files"
        for reader, rows in counts(None).items():
            assert isinstance(rows, type), f"{reader} reads {rows} of a torn file, so it shows nothing that it can do without it"


def statistics(lake: Lake) -> None:
    """Row groups tell the range of what activity is searched by."""
    for path in lake.files("activity"):
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            for name in ("trajectory", "t"):
                values = file.read_row_group(group, [name])[name].to_pylist()
                told = file.metadata.row_group(group).column(file.schema_arrow.get_field_index(name)).statistics
                assert told is not None and told.has_min_max, f"{path}: group {group} has no statistics of {name}"
                assert (told.min, told.max, told.null_count) == (min(values), max(values), 0), f"{path}: group {group}: {told}"


# Of each run: steps over the steps between them.
CHECKPOINTS = 3


def growing(program: Program, lake: Lake, folder: Path, tables: list[Table]) -> int:
    """While a new run is made, every reader sees each table whole: without the run, or with all of its rows. Returns how often all were read."""
    lake = lake.copy(folder)
    seen: dict[str, set[tuple[str, int]]] = {table.name: set() for table in tables}
    rounds, ended, strange = 0, False, set()
    writer = program.start(*arguments(lake, "sweep.seeds=[2]"))
    watching = threading.Thread(target=watch, args=(lake, writer, strange))
    watching.start()
    try:
        with contextlib.chdir(lake.folder):
            while not ended:
                # The last round is after the end.
                ended = writer.poll() is not None
                for table, reader in itertools.product(tables, READERS):
                    with reading(reader, table, " while a run is written"):
                        seen[table.name] |= set(reader(table).rows().items())
                rounds += 1
    finally:
        writer.kill()
        writer.wait()
        watching.join()
    assert not strange, f"files in the making within tables/, where polars and DuckDB read hidden ones too: {sorted(strange)}"
    assert writer.returncode == 0, f"gridlake run: exit code {writer.returncode}"
    assert len(lake.runs) == 3, lake.runs
    for name, states in seen.items():
        # Metrics grow with each checkpoint.
        most = 1 if name != "metrics" else CHECKPOINTS
        for run in lake.runs:
            sizes = {rows for other, rows in states if other == run}
            assert 1 <= len(sizes) <= most, f"{name}: readers saw {sorted(sizes)} rows of {run} while it was written"
    return rounds


def watch(lake: Lake, writer: subprocess.Popen, strange: set[str]) -> None:
    """Collects names of files below tables/ that are no parts, as long as a writer is at work; they may be there for a moment only."""
    while writer.returncode is None:
        for folder, _, names in os.walk(lake.root / "tables"):
            strange |= {f"{Path(folder).name}/{name}" for name in names if not re.fullmatch(r"part-\d+\.parquet", name)}
