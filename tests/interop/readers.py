"""The four readers: the line that users are told (docs/reading.md has it), the types that it gives, the sums that each computes its own way."""

import contextlib
from collections.abc import Iterator

import duckdb
import numpy
import pandas
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import sql
from schema import Column, Table
from sql import Sums


@contextlib.contextmanager
def reading(reader: type["Reader"], table: Table, when: str = ""):
    """Whatever a reader refuses is told with what it was reading."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{reader.__name__} cannot read {table.name}{when}: {brief(error)}") from error


def brief(error: Exception) -> str:
    """What it is and the first line that it says: the others tell of plans."""
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


class Reader:
    """One table, opened where `data/lake` is."""

    line: str

    def __init__(self, table: Table):
        self.table = table
        names = {"pl": pl, "pandas": pandas, "duckdb": duckdb, "pyarrow": pa}
        self.frame = eval(self.line.replace("tables/units", f"tables/{table.name}"), names)

    def types(self) -> dict[str, object]:
        """Of each column, in order."""
        raise NotImplementedError

    def expected(self, column: Column, kind: str, length: int | None) -> object:
        """The type that a column must have; `kind` is the documented one, but for lists that are stored as float16."""
        raise NotImplementedError

    def sums(self) -> Sums:
        return {
            run: {column.name: self.numbers(rows[column.name], column) for column in self.table.all_columns if column.name != "run"}
            | {"rows": (float(len(rows)),)}
            for run, rows in self.runs()
        }

    def rows(self) -> dict[str, int]:
        """How many each run has, in one reading of the lake."""
        return {run: len(rows) for run, rows in self.runs()}

    def runs(self) -> Iterator[tuple[str, object]]:
        raise NotImplementedError

    def numbers(self, values, column: Column) -> tuple[float, ...]:
        raise NotImplementedError


class Polars(Reader):
    line = 'pl.scan_parquet("data/lake/tables/units/**/*.parquet", hive_partitioning=True)'
    kinds = {
        "text": pl.String,
        "boolean": pl.Boolean,
        "integer": pl.Int64,
        "int32": pl.Int32,
        "uint32": pl.UInt32,
        "uint64": pl.UInt64,
        "float16": pl.Float16,
        "float32": pl.Float32,
        "float64": pl.Float64,
    }

    def types(self):
        return dict(self.frame.collect_schema())

    def expected(self, column, kind, length):
        item = self.kinds[kind.removeprefix("list of ")]
        return pl.Array(item, length) if column.is_list else item

    def runs(self):
        return ((run, rows) for (run,), rows in self.frame.collect().group_by("run"))

    def numbers(self, values, column):
        if column.is_list:
            items = values.explode().cast(pl.Float64)
            return float(items.is_not_nan().sum()), items.fill_nan(0.0).sum(), float(items.is_nan().sum())
        second = values.drop_nulls().n_unique() if column.kind == "text" else values.cast(pl.Float64).sum()
        return float(values.count()), float(second)


class Pandas(Reader):
    line = 'pandas.read_parquet("data/lake/tables/units")'

    def types(self):
        frame, lists = self.frame, [column.name for column in self.table.columns if column.is_list]
        return dict(frame.dtypes) | {name: (frame[name].dtype, {(one.dtype, len(one)) for one in frame[name]}) for name in lists}

    def expected(self, column, kind, length):
        if column.is_list:
            return numpy.dtype(object), {(numpy.dtype(kind.removeprefix("list of ")), length)}
        values = self.frame[column.name]
        if column.name == "run":
            return pandas.CategoricalDtype(sorted(set(values.astype(str))))
        if kind == "integer":
            return pandas.CategoricalDtype(numpy.array(sorted(set(values.astype(int))), dtype="int32"))
        if kind == "text":
            return pandas.StringDtype(na_value=numpy.nan)
        # numpy's integers have no null.
        if values.isna().any():
            # Without nullable types, whole numbers become floats and truths objects.
            kind = {"int32": "float64", "boolean": "object"}.get(kind, kind)
        return numpy.dtype({"boolean": "bool"}.get(kind, kind))

    def runs(self):
        return ((run, rows) for run, rows in self.frame.groupby("run"))

    def numbers(self, values, column):
        if column.is_list:
            items = numpy.concatenate(values.to_numpy()).astype("float64")
            return float((~numpy.isnan(items)).sum()), float(numpy.nansum(items)), float(numpy.isnan(items).sum())
        second = values.nunique() if column.kind == "text" else values.astype("float64").sum()
        return float(values.count()), float(second)


class Pyarrow(Reader):
    line = 'pyarrow.dataset.dataset("data/lake/tables/units", partitioning="hive")'
    kinds = {
        "text": pa.string(),
        "boolean": pa.bool_(),
        "integer": pa.int32(),
        "int32": pa.int32(),
        "uint32": pa.uint32(),
        "uint64": pa.uint64(),
        "float16": pa.float16(),
        "float32": pa.float32(),
        "float64": pa.float64(),
    }

    def types(self):
        return {field.name: field.type for field in self.frame.schema}

    def expected(self, column, kind, length):
        item = self.kinds[kind.removeprefix("list of ")]
        return pa.list_(pa.field("item", item, nullable=False), length) if column.is_list else item

    def runs(self):
        whole = self.frame.to_table()
        return ((run, whole.filter(pc.field("run") == run)) for run in whole["run"].unique().to_pylist())

    def numbers(self, values, column):
        if column.is_list:
            items = pc.cast(pc.list_flatten(values), pa.float64())
            nan = pc.is_nan(items)
            total = pc.sum(pc.if_else(nan, 0.0, items)).as_py()
            return float(pc.sum(pc.invert(nan)).as_py()), total, float(pc.sum(nan).as_py())
        distinct = column.kind == "text"
        second = pc.count_distinct(values, mode="only_valid") if distinct else pc.sum(pc.cast(values, pa.float64()), min_count=0)
        return float(pc.count(values).as_py()), float(second.as_py())


class Duckdb(Reader):
    line = """duckdb.sql("SELECT * FROM read_parquet('data/lake/tables/units/**/*.parquet', hive_partitioning=true)")"""
    kinds = {
        "text": "VARCHAR",
        "boolean": "BOOLEAN",
        "integer": "BIGINT",
        "int32": "INTEGER",
        "uint32": "UINTEGER",
        "uint64": "UBIGINT",
        "float16": "FLOAT",
        "float32": "FLOAT",
        "float64": "DOUBLE",
    }

    def types(self):
        return dict(zip(self.frame.columns, map(str, self.frame.types), strict=True))

    def expected(self, column, kind, length):
        return self.kinds[kind.removeprefix("list of ")] + ("[]" if column.is_list else "")

    def answer(self, query: str) -> list[dict]:
        rows = self.frame.query(self.table.name, query)
        return [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]

    def rows(self):
        return {row["run"]: row["rows 0"] for row in self.answer(sql.scalars(self.table))}

    def sums(self):
        return sql.sums(self.table, self.answer)


READERS = (Polars, Pandas, Pyarrow, Duckdb)
