"""The program under test, and the tables that it leaves."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from recordings import Recording

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Program:
    path: Path

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run([self.path, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"gridlake {' '.join(arguments)}: exit code {done.returncode}: {done.stderr}"
        return done.stdout

    def bring(self, recording: Recording, folder: Path) -> Path:
        """Imports a recording into a lake of its own."""
        lake, half = folder / "lake", recording.side_m / 2
        files = recording.write(folder / "files")
        box = ["--set", f"arena.side_m={recording.side_m}", "--set", f"arena.centre_m=[{half}, {half}]"]
        self("import", *map(str, files), "--as", recording.name, "--lake", str(lake), "--quiet", *box)
        return lake

    def analyze(self, recording: Recording, lake: Path, verb: str, nulls: int, *more: str) -> None:
        settings = {
            "import.run": recording.name,
            "analyze.ratemap.bins": recording.bins,
            "analyze.ratemap.smoothing_m": recording.smoothing_m,
            "analyze.nulls.count": nulls,
        }
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        self(verb, str(ROOT / "pipelines/imported.toml"), "--lake", str(lake), "--quiet", *words, *more)


class Tables:
    """The tables of a lake's only run: numbers as floats with NaN for null, lists as arrays; rows of units in the order of units."""

    def __init__(self, lake: Path) -> None:
        self.lake = lake
        self.read: dict[str, pa.Table] = {}

    def files(self, table: str) -> list[Path]:
        return sorted(self.lake.glob(f"tables/{table}/**/*.parquet"))

    def table(self, name: str) -> pa.Table | None:
        if name not in self.read and (files := self.files(name)):
            table = pa.concat_tables([pq.ParquetFile(file).read() for file in files])
            self.read[name] = table.sort_by("unit") if "unit" in table.column_names else table
        return self.read.get(name)

    def has(self, table: str, column: str) -> bool:
        """Whether the program knows the column and put anything into it."""
        found = self.table(table)
        return found is not None and column in found.column_names and found[column].null_count < len(found)

    def text(self, table: str, column: str) -> list[str | None]:
        return self.table(table)[column].to_pylist()

    def __call__(self, table: str, column: str) -> np.ndarray:
        """A column: rows, or rows × length of its lists."""
        values = self.table(table)[column].combine_chunks()
        if pa.types.is_list(values.type) or pa.types.is_large_list(values.type) or pa.types.is_fixed_size_list(values.type):
            return values.flatten().to_numpy(zero_copy_only=False).astype(float).reshape(len(values), -1)
        return values.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)

    def alter(self, table: str, column: str, change, to: Path) -> "Tables":
        """A copy in which `change` was done to the column's numbers (rows, or rows × length)."""
        altered = Tables(to)
        altered.read = {}
        own = self.table(table)
        values = self(table, column).copy()
        change(values)
        kind = own.schema.field(column).type
        if values.ndim == 2:
            new = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel().astype(np.float32)), values.shape[1])
        else:
            new = pa.array([None if np.isnan(v) else v for v in values], kind if pa.types.is_floating(kind) else pa.float64())
        file = to / "tables" / table / "altered.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(own.set_column(own.column_names.index(column), column, new), file)
        others = {name: self.table(name) for name in ("ratemaps", "autocorrelograms", "units", "nulls", "modules")}
        altered.read = {name: found for name, found in others.items() if found is not None and name != table}
        return altered
