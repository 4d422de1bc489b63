"""Lakes to read, made by the real program in a moment: `<folder>/data/lake`, so that what users are told is run as it stands."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
PIPELINE = """
name = "tiny"

[train]
steps = 60
log_every = 10
device = "cpu"

[train.data]
batch = 6
length = 6

[train.model]
units = 12
mlp_hidden = [8]

[train.loss]
lambda_cap = 0.0

[train.optimizer]
learning_rate = 3e-4
accumulate = 1

[train.scheduler]
kind = "constant"

[train.checkpoints]
every = 20

[record]
boxes_m = [1.0, 2.0]
trajectories = 20
steps = 80
occupancy_bins = 12

[analyze.ratemap]
bins = 24

[analyze.nulls]
count = 19

[sweep]
seeds = [0, 1]
"""


@dataclass(frozen=True)
class Program:
    """The program under test."""

    path: Path

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run([self.path, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"gridlake {' '.join(arguments)}: exit code {done.returncode}: {done.stderr}"
        return done.stdout

    def start(self, *arguments: str) -> subprocess.Popen:
        silent = subprocess.DEVNULL
        return subprocess.Popen([self.path, *arguments], stdin=silent, stdout=silent, stderr=silent)

    def knows(self, verb: str) -> bool:
        return any(line.split()[:1] == [verb] for line in self("--help").splitlines())

    def setting(self, key: str | None = None, value: str | None = None) -> str | None:
        """`key=value` of the first key of [record] that is called so or may have that value, as `gridlake defaults` has it; None without one.

        Where no value is asked for, it is the first of "One of ..." that is not the default."""
        section, choices = "", []
        for line in self("defaults").splitlines():
            if header := re.fullmatch(r"\[([\w.]+)\]", line):
                section = header[1]
            elif line.startswith("# One of "):
                choices = re.findall(r'"([\w-]+)"', line)
            elif entry := re.match(r"(\w+) = (.*)", line):
                others = [choice for choice in choices if f'"{choice}"' != entry[2] and value in (None, choice)]
                if section == "record" and others and key in (None, entry[1]):
                    return f"record.{entry[1]}={others[0]}"
                choices = []
        return None


@dataclass(frozen=True)
class Lake:
    """A lake at `<folder>/data/lake`."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "data/lake"

    @property
    def runs(self) -> list[str]:
        return sorted(path.parent.name for path in self.root.glob("runs/*/run.json"))

    @property
    def tables(self) -> list[str]:
        return sorted(path.name for path in (self.root / "tables").iterdir())

    def files(self, table: str, run: str = "*") -> list[Path]:
        return sorted(self.root.glob(f"tables/{table}/run={run}/**/*.parquet"))

    def copy(self, folder: Path) -> "Lake":
        shutil.copytree(self.folder, folder)
        return Lake(folder)


def arguments(lake: Lake, *settings: str) -> list[str]:
    """Of `gridlake run`."""
    pipeline = lake.folder / "tiny.toml"
    lake.folder.mkdir(parents=True, exist_ok=True)
    pipeline.write_text(PIPELINE)
    return ["run", str(pipeline), "--lake", str(lake.root), "--quiet", *(word for one in settings for word in ("--set", one))]


def grid_cells(path: Path) -> None:
    """Sixty-four cells of one hexagonal lattice of 0.3 m along a random walk of 1 m by 1 m: one module, whose states make a torus."""
    random = np.random.default_rng(3)
    steps = random.normal(0, 0.02, (12_000, 2)).cumsum(axis=0) + random.uniform(0, 1, 2)
    place = np.abs((steps + 1) % 2 - 1)
    angles = 0.1 + np.pi / 6 + np.pi / 3 * np.arange(3)
    waves = 2 / (3**0.5 * 0.3) * np.stack([np.cos(angles), np.sin(angles)])
    offsets = random.uniform(0, 1, (64, 2))
    rates = np.exp(np.cos(2 * np.pi * (place[:, None] - offsets) @ waves).sum(-1))
    np.savez(path, t=0.02 * np.arange(len(place)), pos=place, rates=rates.astype("f4"))


def make_imported(program: Program, lake: Lake) -> Lake:
    """A lake of one run of imported cells, with a module that is a torus."""
    lake.folder.mkdir(parents=True, exist_ok=True)
    cells = lake.folder / "cells.npz"
    grid_cells(cells)
    program("import", str(cells), "--as", "cells", "--lake", str(lake.root), "--quiet")
    run = ["run", str(ROOT / "pipelines/imported.toml"), "--lake", str(lake.root), "--quiet"]
    few = ("analyze.nulls.count=99", "analyze.ratemap.bins=25", "analyze.embedding.points=6000", "analyze.torus.surrogates=19", "analyze.torus.alpha=0.05")
    program(*run, *(word for one in (f"import.run={lake.runs[0]}", *few) for word in ("--set", one)))
    return lake


def make(program: Program, lake: Lake, *settings: str) -> Lake:
    program(*arguments(lake, *settings))
    return lake
