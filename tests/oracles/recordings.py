"""Recordings whose cells are known: a smooth walk in a square box with places that were never visited, and what each cell fires there."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Cell:
    """What one unit is; `waves` are the two shortest of its lattice, cycles per metre."""

    kind: str
    waves: np.ndarray | None = None
    period_m: float = np.nan
    orientation_rad: float = np.nan


@dataclass
class Recording:
    name: str
    side_m: float
    bins: int
    smoothing_m: float
    moments: int
    sessions: int
    modules: list[tuple[float, float, int]]
    others: int
    seed: int
    hole: bool = True
    cells: list[Cell] = field(default_factory=list)
    positions: list[np.ndarray] = field(default_factory=list)
    rates: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        rates = list(self.population(rng))
        for _ in range(self.sessions):
            at = walk(rng, self.side_m, self.moments // self.sessions)
            if self.hole:
                # A pillar, and a corner that was out of the camera's sight.
                pillar = np.hypot(at[:, 0] - 0.2 * self.side_m, at[:, 1] + 0.15 * self.side_m) < 0.06 * self.side_m
                corner = (at[:, 0] < -0.38 * self.side_m) & (at[:, 1] > 0.4 * self.side_m)
                at = at[~pillar & ~corner]
            noise = rng.normal(size=(len(at), len(rates)))
            values = np.stack([rate(at) for rate in rates], axis=1)
            silent = np.array([cell.kind in ("dead", "constant") for cell in self.cells])
            values = np.where(silent, values, np.clip(values + 0.3 * noise, 0, None))
            self.positions.append(at)
            self.rates.append(values.astype(np.float32))

    def population(self, rng: np.random.Generator):
        """The cells, and what each fires at positions (n × 2)."""
        for spacing, orientation, count in self.modules:
            for _ in range(count):
                turned = orientation + rng.normal(scale=0.005)
                period = spacing * np.exp(rng.normal(scale=0.005))
                yield self.lattice("hexagonal", hexagonal(period, turned), rng, period, turned % (np.pi / 3))
        for number in range(self.others):
            kind = ("sheared", "square", "band", "place", "border", "noise")[number % 6]
            spacing, turn = rng.uniform(0.2, 0.4) * self.side_m, rng.uniform(0, np.pi)
            if kind == "sheared":
                strain = np.eye(2) + 0.15 * np.array([[np.cos(2 * turn), np.sin(2 * turn)], [np.sin(2 * turn), -np.cos(2 * turn)]]) / 2
                yield self.lattice(kind, hexagonal(spacing, rng.uniform(0, 1)) @ strain, rng)
            elif kind == "square":
                k = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) / spacing
                yield self.lattice(kind, k, rng, spacing * np.sqrt(2 / np.sqrt(3)), turn % (np.pi / 2))
            elif kind == "band":
                k, phase = np.array([np.cos(turn), np.sin(turn)]) / spacing, rng.uniform(0, 2 * np.pi)
                self.cells.append(Cell(kind, np.array([k, k]), spacing))
                yield lambda at, k=k, phase=phase: np.exp(1.5 * (np.cos(2 * np.pi * at @ k - phase) - 1))
            elif kind == "place":
                centre, width = rng.uniform(-0.35, 0.35, 2) * self.side_m, 0.09 * self.side_m
                self.cells.append(Cell(kind))
                yield lambda at, centre=centre, width=width: 2 * np.exp(-((at - centre) ** 2).sum(1) / (2 * width**2))
            elif kind == "border":
                axis, side = int(rng.integers(2)), rng.choice([-1.0, 1.0])
                self.cells.append(Cell(kind))
                yield lambda at, axis=axis, side=side: 1.5 * np.exp(-(0.5 * self.side_m - side * at[:, axis]) / (0.06 * self.side_m))
            else:
                k, phases = rng.normal(scale=1.5 / self.side_m, size=(2, 60)), rng.uniform(0, 2 * np.pi, 60)
                self.cells.append(Cell(kind))
                yield lambda at, k=k, phases=phases: np.clip(1 + np.cos(2 * np.pi * at @ k - phases).mean(1) * 5, 0, None)
        self.cells.append(Cell("dead"))
        yield lambda at: np.zeros(len(at))
        self.cells.append(Cell("constant"))
        yield lambda at: np.full(len(at), 0.7)

    def lattice(self, kind: str, k: np.ndarray, rng: np.random.Generator, period: float = np.nan, orientation: float = np.nan):
        offset = rng.uniform(-1, 1, 2)
        if np.isnan(period):
            period = np.sqrt(2 / (np.sqrt(3) * abs(np.linalg.det(k))))
        self.cells.append(Cell(kind, k, period, orientation))
        waves = k if kind == "square" else np.stack([k[0], k[1], -k[0] - k[1]])
        low = -2.0 if kind == "square" else -1.5
        return lambda at: np.exp(2 * ((np.cos(2 * np.pi * (at - offset) @ waves.T).sum(1) - low) / (len(waves) - low) - 1))

    def of_kind(self, *kinds: str) -> np.ndarray:
        return np.array([number for number, cell in enumerate(self.cells) if cell.kind in kinds], dtype=int)

    def write(self, folder: Path) -> list[Path]:
        """Parquet with a list column, one file a session; or, of a single session, NPZ. Positions have their origin in a corner."""
        folder.mkdir(parents=True)
        files = []
        for number, (at, rates) in enumerate(zip(self.positions, self.rates)):
            at, t = at + self.side_m / 2, 0.02 * np.arange(len(at))
            if self.sessions == 1:
                files.append(folder / f"{self.name}.npz")
                np.savez(files[-1], t=t, pos=at, rates=rates)
            else:
                files.append(folder / f"{self.name}-{number}.parquet")
                lists = pa.FixedSizeListArray.from_arrays(pa.array(rates.ravel()), rates.shape[1])
                pq.write_table(pa.table({"time_s": t, "x_m": at[:, 0], "y_m": at[:, 1], "rates": lists}), files[-1])
        return files

    def moments_as_read(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions from the middle of the box, as a reader of the files has them, and rates in double precision."""
        at = np.concatenate([(at + self.side_m / 2) - self.side_m / 2 for at in self.positions])
        return at, np.concatenate(self.rates).astype(float)


def hexagonal(spacing: float, orientation: float) -> np.ndarray:
    """Two waves, 120° apart, of a hexagonal lattice of which one axis has this angle."""
    angles = orientation + np.pi / 6 + np.array([0, 2 * np.pi / 3])
    return 2 / (np.sqrt(3) * spacing) * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def walk(rng: np.random.Generator, side: float, moments: int) -> np.ndarray:
    """Speeds of an Ornstein-Uhlenbeck process; walls reflect."""
    speed, at = np.zeros((moments, 2)), np.zeros((moments, 2))
    kicks = rng.normal(size=(moments, 2))
    for t in range(1, moments):
        speed[t] = 0.9 * speed[t - 1] + 0.006 * side * kicks[t]
    free = np.cumsum(speed, axis=0) + side / 2
    folded = np.abs((free + side) % (2 * side) - side)
    at[:] = np.clip(folded, 1e-9, side * (1 - 1e-9)) - side / 2
    return at


def small() -> list[Recording]:
    return [
        Recording("plain", 1.0, 30, 0.0, 24_000, 2, [(0.3, 0.1, 4), (0.42, 0.5, 4)], 12, 1),
        Recording("smoothed", 1.5, 40, 0.03, 20_000, 1, [(0.35, 0.3, 5), (0.5, 0.8, 5)], 12, 2),
    ]


def large() -> list[Recording]:
    return small() + [
        Recording("many", 1.5, 50, 0.0, 120_000, 3, [(0.25, 0.2, 15), (0.35, 0.6, 15), (0.5, 0.9, 15)], 60, 3),
        Recording("wide", 2.0, 50, 0.04, 80_000, 1, [(0.4, 0.0, 12), (0.6, 0.4, 12), (0.85, 0.75, 12)], 60, 4),
        Recording("whole", 1.0, 40, 0.0, 90_000, 2, [(0.3, 0.15, 12), (0.45, 0.7, 12)], 36, 5, hole=False),
    ]
