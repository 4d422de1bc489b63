"""Distances, coherence and decoding of a recording of known drift: by numpy and scipy, from the recording itself. Called by .ci/oracles.

Which trajectories decoders are fitted to is drawn by gridlake's own streams (ChaCha8 keyed by SHA-256), which are written out here."""

import argparse
import hashlib
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from compare import Same
from lake import ROOT, Program, Tables
from scipy.spatial.distance import pdist
from scipy.stats import gaussian_kde

STARTED = time.monotonic()
TRAJECTORIES, STEPS, UNITS, SIDE_M, BINS = 32, 40, 40, 1.0, 10
WIDTH_M, TOP_M, LEVELS, BANDWIDTH = 0.05, 1.0, 200, 0.2
TIME_BIN, LAG_BIN, NEAR_M = 5, 10, 0.05
RIDGES = [1e-4, 1e-2, 1.0]
SETTINGS = {
    "import.run": "drift",
    "analyze.ratemap.bins": BINS,
    "analyze.nulls.count": 19,
    "analyze.torus.surrogates": 0,
    "analyze.distances.spatial_bin_m": WIDTH_M,
    "analyze.distances.spatial_max_m": TOP_M,
    "analyze.distances.neural_bins": LEVELS,
    "analyze.distances.kde_bandwidth": BANDWIDTH,
    "analyze.distances.space_time_bin_m": NEAR_M,
    "analyze.distances.temporal_bin_steps": LAG_BIN,
    "analyze.path_integration.time_bin_steps": TIME_BIN,
    "analyze.path_integration.ridges": RIDGES,
}


class Stream:
    """A stream of gridlake: 64 random bits at a time."""

    def __init__(self, seed: int, name: str, index: int) -> None:
        self.key = np.frombuffer(digest(seed, name, index), "<u4").astype(np.uint64)
        self.block, self.words = 0, []

    def bits(self) -> int:
        if not self.words:
            self.words = chacha8(self.key, self.block)
            self.block += 1
        low, high = self.words.pop(0), self.words.pop(0)
        return high << 32 | low

    def below(self, count: int) -> int:
        while True:
            product = self.bits() * count
            if product % 2**64 >= (2**64 - count) % count:
                return product >> 64

    def shuffle(self, items: list) -> None:
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]


def digest(seed: int, name: str, index: int) -> bytes:
    return hashlib.sha256(seed.to_bytes(8, "little") + index.to_bytes(8, "little") + name.encode()).digest()


def child(seed: int, name: str) -> int:
    return int.from_bytes(digest(seed, name, 2**64 - 1)[:8], "big")


def chacha8(key: np.ndarray, block: int) -> list[int]:
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *map(int, key), block & 0xFFFFFFFF, block >> 32, 0, 0]
    x = list(start)

    def turn(a: int, b: int, c: int, d: int) -> None:
        for to, by, other, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[to] = (x[to] + x[by]) & 0xFFFFFFFF
            x[other] ^= x[to]
            x[other] = (x[other] << bits | x[other] >> (32 - bits)) & 0xFFFFFFFF

    for _ in range(4):
        for column in range(4):
            turn(column, column + 4, column + 8, column + 12)
        for column in range(4):
            turn(column, (column + 1) % 4 + 4, (column + 2) % 4 + 8, (column + 3) % 4 + 12)
    return [(a + b) & 0xFFFFFFFF for a, b in zip(x, start, strict=True)]


class Recording:
    """Cells of two lattices along smooth walks, whose place is believed with a drift."""

    def __init__(self) -> None:
        random = np.random.default_rng(5)
        turns = random.normal(0, 0.4, (TRAJECTORIES, STEPS)).cumsum(axis=1) + random.uniform(0, 2 * np.pi, (TRAJECTORIES, 1))
        path = 0.04 * np.stack([np.cos(turns), np.sin(turns)], axis=-1).cumsum(axis=1)
        # Mirrored at the walls.
        self.place = (np.abs((path + SIDE_M / 2) % (2 * SIDE_M) - SIDE_M) - SIDE_M / 2).reshape(-1, 2)
        believed = self.place + random.normal(0, 0.004, path.shape).cumsum(axis=1).reshape(-1, 2)
        rates = []
        for unit in range(UNITS):
            spacing, turn = ((0.4, 0.2), (0.57, 0.5))[unit % 2]
            angles = turn + np.pi / 6 + np.pi / 3 * np.arange(3)
            waves = 2 / (3**0.5 * spacing) * np.stack([np.cos(angles), np.sin(angles)])
            rates.append(np.exp(np.cos(2 * np.pi * (believed - random.uniform(0, 1, 2)) @ waves).sum(-1) - 1.5))
        self.g = np.stack(rates, axis=1).astype(np.float32)
        self.trajectory = np.repeat(np.arange(TRAJECTORIES), STEPS)

    def write(self, path: Path) -> None:
        np.savez(path, trajectory=self.trajectory, pos=self.place, rates=self.g)


def same(tables: Tables, table: str, column: str, against: str, values: np.ndarray, tolerance: float, rows: np.ndarray, deviation: str = "") -> Same:
    """Values of some rows, in their order."""
    expected = np.full(len(tables(table, column)), np.nan)
    assert rows.sum() == len(values), f"{table}.{column}: {rows.sum()} rows, {len(values)} expected"
    expected[rows] = values
    return Same(table, column, against, expected, tolerance, rows=rows, deviation=deviation)


def square(vector: np.ndarray) -> float:
    return float((vector**2).sum(-1)) if vector.ndim == 1 else (vector**2).sum(-1)


def bins_of(place: np.ndarray) -> np.ndarray:
    column, row = np.minimum(((place / SIDE_M + 0.5) * BINS).astype(int), BINS - 1).T
    return row * BINS + column


def coherence(g: np.ndarray, place: np.ndarray, trajectory: np.ndarray) -> tuple[float, float, float]:
    """Raw, corrected, and the corrected one's chance."""

    def between(rows: np.ndarray) -> float:
        sums = np.stack([g[rows][trajectory[rows] == one].sum(0) for one in np.unique(trajectory[rows])])
        counts = np.array([(trajectory[rows] == one).sum() for one in np.unique(trajectory[rows])])
        pairs = counts.sum() ** 2 - (counts**2).sum()
        return (square(sums.sum(0)) - square(sums).sum()) / pairs if pairs else np.nan

    bins, scale = bins_of(place), square(g).mean()
    visited = [np.nonzero(bins == one)[0] for one in np.unique(bins)]
    raw = np.mean([np.sqrt(square(g[rows].mean(0))) for rows in visited]) / np.sqrt(scale)
    squares = np.array([between(rows) for rows in visited])
    root = lambda x: np.sqrt(max(x, 0)) if np.isfinite(x) else np.nan  # noqa: E731
    corrected = root(np.nanmean(squares) / scale) if np.isfinite(squares).any() else np.nan
    return raw, corrected, root(between(np.arange(len(g))) / scale)


def distances(recording: Recording, g: np.ndarray, tables: Tables) -> tuple[list[Same], np.ndarray, np.ndarray, np.ndarray]:
    kinds = np.array(tables.text("distances", "kind"))
    rows = lambda kind: kinds == kind  # noqa: E731
    neural, apart = pdist(g), pdist(recording.place)
    one, other = np.triu_indices(len(g), 1)
    column = (apart / WIDTH_M).astype(int)
    columns = int(np.ceil(TOP_M / WIDTH_M))
    means = np.array([neural[column == at].mean() for at in range(columns)])
    counts = np.array([(column == at).sum() for at in range(columns)])
    top = np.sqrt(2 * square(g).max())
    centres = (np.arange(LEVELS) + 0.5) * top / LEVELS
    density = []
    for at in range(columns):
        found = neural[column == at]
        # Its covariance times the factor's square is the bandwidth's.
        kernel = gaussian_kde(found, bw_method=BANDWIDTH / found.std(ddof=1))
        density.append(kernel(centres) + kernel(-centres) + kernel(2 * top - centres))
    density = np.array(density)
    lag = np.abs(other - one) // LAG_BIN
    within = recording.trajectory[one] == recording.trajectory[other]
    near = (apart / NEAR_M).astype(int)
    spatial = int(np.ceil(TOP_M / NEAR_M))
    space_time, zero = np.full((STEPS // LAG_BIN, spatial), np.nan), []
    for row in range(STEPS // LAG_BIN):
        for at in range(spatial):
            cell = within & (lag == row) & (near == at)
            space_time[row, at] = neural[cell].mean() if cell.any() else np.nan
        cell = within & (lag == row) & (near == 0)
        line = np.linalg.lstsq(np.stack([np.ones(cell.sum()), apart[cell] ** 2], 1), neural[cell] ** 2, rcond=None)[0] if cell.sum() >= 20 else [np.nan]
        zero.append(np.sqrt(max(line[0], 0)) if np.isfinite(line[0]) else np.nan)
    scale = density.max()
    single = 1e-3 * np.sqrt(square(g).mean())
    found = [
        same(tables, "distances", "neural_distance", "scipy.spatial.distance.pdist, by separation", means, single, rows("mean"), "single precision"),
        same(tables, "distances", "count", "the same", counts, 0.5, rows("mean")),
        same(tables, "distances", "density", "scipy.stats.gaussian_kde, reflected at both ends", density.ravel(), 0.01 * scale, rows("space"), "distances count as their level's centre"),
        same(tables, "distances", "neural_distance", "pdist within trajectories, by space and time", space_time.ravel(), single, rows("space_time"), "single precision"),
        same(tables, "distances", "neural_distance", "numpy.linalg.lstsq of ‖g - g'‖² on the squared separation", np.array(zero), 0.02, rows("same_place"), "single precision, under a root"),
    ]
    return found, means, apart, column


def generalization(recording: Recording, g: np.ndarray, tables: Tables, means: np.ndarray, apart: np.ndarray, column: np.ndarray) -> list[Same]:
    chance = np.sqrt(2 * square(g).mean() - 2 * square(g.mean(0)))
    separation = np.array([apart[column == at].mean() for at in range(len(means))])
    at = int(np.argmax(means >= chance / 2))
    assert at > 0, "the recording is made so that half of chance is reached after the first bin"
    half = separation[at - 1] + (separation[at] - separation[at - 1]) * (chance / 2 - means[at - 1]) / (means[at] - means[at - 1])
    raw, corrected, by_chance = coherence(g, recording.place, recording.trajectory)
    all_units = np.isnan(tables("generalization", "module"))
    return [
        same(tables, "generalization", name, "numpy", np.array([value]), tolerance, all_units)
        for name, value, tolerance in (
            ("chance_distance", chance, 1e-6),
            ("half_rise_m", half, 1e-4),
            ("spatial_coherence", raw, 1e-6),
            ("spatial_coherence_corrected", corrected, 1e-6),
            ("spatial_coherence_chance", by_chance, 1e-6),
        )
    ]


def quartiles(errors: np.ndarray) -> np.ndarray:
    return np.quantile(errors, [0.25, 0.5, 0.75])


def decoding(recording: Recording, g: np.ndarray, t: np.ndarray, seed: int) -> list[Same]:
    order = list(range(TRAJECTORIES))
    Stream(seed, "analysis/path_integration/split", 0).shuffle(order)
    rank = np.argsort(order)[recording.trajectory]
    place, bins = recording.place, bins_of(recording.place)
    nearest, linear, constant, similarity = (np.full(len(g), np.nan) for _ in range(4))
    for fold in range(2):
        fit, test = rank % 2 != fold, rank % 2 == fold
        fitted = TRAJECTORIES // 2
        held = fit & (rank // 2 >= fitted - round(fitted * 0.25))
        linear[test] = apart_from(place[test], read_out(g, place, fit & ~held, held, fit, test))
        known = np.unique(bins[fit])
        states = np.stack([g[fit & (bins == one)].sum(0) for one in known])
        states /= np.linalg.norm(states, axis=1, keepdims=True)
        nearest[test] = apart_from(place[test], refined(g[test] @ states.T, known))
        for row in np.nonzero(test)[0]:
            if bins[row] in known:
                similarity[row] = g[row] @ states[np.searchsorted(known, bins[row])] / np.linalg.norm(g[row])
            constant[row] = np.linalg.norm(place[row] - place[fit & (t == t[row])].mean(0))
    which = t // TIME_BIN
    if t.max() % TIME_BIN != TIME_BIN - 1:  # a last bin that is not full is part of the one before
        which = np.minimum(which, which.max() - 1)
    per_time = lambda values: [[np.nanmean(values[(which == one) & (recording.trajectory == path)]) for path in np.unique(recording.trajectory[which == one])] for one in np.unique(which)]  # noqa: E731
    found = []
    for name, values, tolerance in (("decode_error", nearest, 2e-4), ("linear_error", linear, 1e-6), ("constant_error", constant, 1e-9)):
        of_times = np.array([quartiles(np.array(errors)) for errors in per_time(values)])
        against = {"decode_error": "numpy: largest product with the other half's ratemaps", "linear_error": "numpy.linalg.lstsq with a ridge", "constant_error": "numpy"}[name]
        found += [Same("path_integration", f"{name}_{end}", against, of_times[:, at], tolerance) for at, end in enumerate(("q25_m", "m", "q75_m"))]
    of_times = np.array([coherence(g[which == one], place[which == one], recording.trajectory[which == one]) for one in np.unique(which)])
    found += [Same("path_integration", name, "numpy", of_times[:, at], 1e-6) for at, name in enumerate(("coherence", "coherence_corrected", "coherence_chance"))]
    found.append(Same("path_integration", "map_similarity", "numpy", np.array([np.nanmean(similarity[which == one]) for one in np.unique(which)]), 1e-5))
    return found


def apart_from(place: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    return np.linalg.norm(place - decoded, axis=1)


def read_out(g: np.ndarray, place: np.ndarray, inner: np.ndarray, held: np.ndarray, fit: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Ridge regression as least squares of an augmented system; the ridge is the one that does best on what was held out."""

    def solve(rows: np.ndarray, ridge: float):
        x, y = g[rows] - g[rows].mean(0), place[rows] - place[rows].mean(0)
        weight = np.sqrt(ridge * x.var(0).mean() * len(x))
        a, b = np.vstack([x, weight * np.eye(UNITS)]), np.vstack([y, np.zeros((UNITS, 2))])
        weights = np.linalg.lstsq(a, b, rcond=None)[0]
        return lambda of: (g[of] - g[rows].mean(0)) @ weights + place[rows].mean(0)

    errors = [((solve(inner, ridge)(held) - place[held]) ** 2).sum() for ridge in RIDGES]
    return solve(fit, RIDGES[int(np.argmin(errors))])(test)


def refined(scores: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The best bin's centre, and within the bin the top of the parabola through its neighbours' scores along each axis."""
    width, row_of, found = SIDE_M / BINS, {bin: row for row, bin in enumerate(known)}, []
    for score in scores:
        best = int(np.argmax(score))
        row, column = divmod(int(known[best]), BINS)

        def along(at: int, stride: int) -> float:
            neighbours = [row_of.get(int(known[best]) + sign * stride) for sign in (-1, 1)]
            if at in (0, BINS - 1) or None in neighbours:
                return 0.0
            before, after = (score[one] for one in neighbours)
            curvature = before - 2 * score[best] + after
            return float(np.clip(0.5 * (before - after) / curvature, -0.5, 0.5)) if curvature < 0 else 0.0

        found.append([(column + 0.5 + along(column, 1)) * width - SIDE_M / 2, (row + 0.5 + along(row, BINS)) * width - SIDE_M / 2])
    return np.array(found)


def altered(tables: Tables, passed: list[Same], folder: Path) -> list[str]:
    """A wrong number must be found: the middle one of each compared column, by ten tolerances."""
    blind = []
    for number, one in enumerate(passed):
        values = tables(one.table, one.column)
        rows = np.arange(len(values)) if one.rows is None else np.arange(len(values))[one.rows]
        rows = rows[np.isfinite(values[rows])]
        at, by = rows[len(rows) // 2], 10 * one.tolerance

        def change(values: np.ndarray) -> None:
            values[at] += by

        try:
            one.check(tables.alter(one.table, one.column, change, folder / f"altered-{number}"))
            blind.append(f"{one}: an altered number was not found")
        except AssertionError:
            pass
    return blind


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gridlake", type=Path, help="the program under test")
    program = Program(parser.parse_args().gridlake.resolve())
    with tempfile.TemporaryDirectory(prefix="gridlake-oracles-") as name:
        folder, recording = Path(name), Recording()
        lake, file = folder / "lake", folder / "drift.npz"
        recording.write(file)
        program("import", str(file), "--as", "drift", "--lake", str(lake), "--quiet", "--set", f"arena.side_m={SIDE_M}", "--set", "arena.centre_m=[0, 0]")
        words = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
        program("analyze", str(ROOT / "pipelines/imported.toml"), "--lake", str(lake), "--quiet", *words)
        tables = Tables(lake)
        g, arena = recording.g.astype(float), tables.text("generalization", "arena")[0]
        seed = child(child(0, "analyze/generalization"), arena)
        found, *more = distances(recording, g, tables)
        found += generalization(recording, g, tables, *more)
        found += decoding(recording, g, tables("activity", "t").astype(int), seed)
        passed, wrong = [], []
        for one in found:
            try:
                count, largest = one.check(tables)
                passed.append(one)
                print(f"  {one}: {count} numbers, largest difference {largest:.2g}, allowed {one.tolerance:.2g}{'; ' + one.deviation if one.deviation else ''}")
            except AssertionError as error:
                wrong.append(str(error))
        wrong += altered(tables, passed, folder)
        print(f"oracles: distances and decoding: {len(passed)} of {len(found)} comparisons hold, {len(passed)} altered numbers looked for ({time.monotonic() - STARTED:.1f} s)", flush=True)
        if wrong:
            sys.exit("error: oracles: " + "\n  ".join([f"{len(wrong)} comparisons fail:", *wrong]))


if __name__ == "__main__":
    main()
