"""Whether gridlake's bars are those of ripser.py, and how long both take.

    cargo build --release -p gridlake-analysis --example homology
    python3 -m venv ENV && ENV/bin/python -m pip install --require-hashes -r tests/oracles/state-space-requirements.txt
    ENV/bin/python tests/oracles/topology.py target/release/examples/homology [--points 1200]

Prints Markdown; exits with 1 where bars differ, or where gridlake is slower. ripser.py takes about 1.4 GB for 600 points of the torus that is timed, and 13 GB for 1,200."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ripser import ripser
from scipy.optimize import linear_sum_assignment

# ripser.py computes in single precision.
TOLERANCE = 1e-5
TAU = 2 * np.pi
Bars = list[np.ndarray]


@dataclass(frozen=True)
class Cloud:
    name: str
    points: np.ndarray
    prime: int = 47
    threshold: float | None = None
    # Bars that hold `scale`, per dimension, where that is known.
    betti: tuple[int, int, int] | None = None
    scale: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("homology", type=Path, help="the example program")
    parser.add_argument("--points", type=int, default=600, help="points of the torus that is timed; 0: none")
    options = parser.parse_args()
    program, wrong = options.homology.resolve(), []
    print("| Cloud | Points | Z/p | Bars, dimension 0, 1, 2 | Betti numbers | Largest difference |\n|---|---|---|---|---|---|")
    random = [compare(program, cloud, wrong) for cloud in clouds()]
    print(f"| {len(random)} random clouds | 20 – 60 | 2, 3, 47 | {', '.join(str(sum(bars[d] for bars, _ in random)) for d in range(3))} | | {max(off for _, off in random):.0e} |")
    for cloud in controls():
        bars, off = compare(program, cloud, wrong)
        found = betti(gridlake(program, cloud)[0], cloud.scale)
        if found != cloud.betti:
            wrong.append(f"{cloud.name}: {found} bars hold scale {cloud.scale}, not {cloud.betti}")
        print(f"| {cloud.name} | {len(cloud.points)} | {cloud.prime} | {', '.join(map(str, bars))} | {', '.join(map(str, found))} | {off:.0e} |", flush=True)
    if options.points:
        race(program, options.points, wrong)
    if wrong:
        sys.exit("\n  ".join([f"error: oracles: {len(wrong)} comparisons fail:", *wrong]))


def gridlake(program: Path, cloud: Cloud) -> tuple[Bars, float]:
    """Bars, and seconds without reading and writing."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        np.savetxt(file, cloud.points, delimiter=",", fmt="%.17g")
        file.flush()
        extra = [] if cloud.threshold is None else ["--threshold", repr(float(cloud.threshold))]
        done = subprocess.run([program, file.name, "--prime", str(cloud.prime), *extra], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: oracles: {cloud.name}: {done.stderr.strip()}")
    rows = np.array([line.split(",") for line in done.stdout.splitlines()[1:]], dtype=float).reshape(-1, 3)
    return [rows[rows[:, 0] == dimension, 1:] for dimension in range(3)], float(done.stderr.split()[0])


def oracle(cloud: Cloud) -> Bars:
    threshold = np.inf if cloud.threshold is None else cloud.threshold
    return [np.asarray(bars, dtype=float).reshape(-1, 2) for bars in ripser(cloud.points, maxdim=2, coeff=cloud.prime, thresh=threshold)["dgms"]]


def compare(program: Path, cloud: Cloud, wrong: list[str]) -> tuple[list[int], float]:
    """Numbers of bars, and the largest difference of an end."""
    found, expected = gridlake(program, cloud)[0], oracle(cloud)
    worst = 0.0
    for dimension in range(3):
        off = difference(found[dimension], expected[dimension])
        worst = max(worst, off)
        if off > TOLERANCE:
            wrong.append(f"{cloud.name}: bars of dimension {dimension} differ by {off:.3g}")
    # A wrong bar must be found.
    altered = found[0].copy()
    altered[-1, 1] += 10 * TOLERANCE
    if difference(altered, expected[0]) <= TOLERANCE:
        wrong.append(f"{cloud.name}: an altered bar was not found")
    return [len(bars) for bars in found], worst


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Each bar with one of the other's, or with half its own length where there is none: the largest difference of the best assignment."""
    found, expected = (np.where(np.isinf(bars), 1e6, bars) for bars in (found, expected))
    n, m = len(found), len(expected)
    cost = np.zeros((n + m, n + m))
    cost[:n, :m] = np.abs(found[:, None] - expected[None]).max(axis=2)
    cost[:n, m:] = ((found[:, 1] - found[:, 0]) / 2)[:, None]
    cost[n:, :m] = ((expected[:, 1] - expected[:, 0]) / 2)[None, :]
    # Whatever is beyond the tolerance is equally wrong, so that one pair is not spared at the expense of others.
    rows, columns = linear_sum_assignment(np.where(cost > TOLERANCE, 1.0, cost))
    return float(cost[rows, columns].max(initial=0.0))


def betti(bars: Bars, scale: float) -> tuple[int, ...]:
    return tuple(int(((b[:, 0] <= scale) & (scale < b[:, 1])).sum()) for b in bars)


def clouds() -> Iterator[Cloud]:
    for number in range(50):
        r = np.random.default_rng(number)
        n, d = int(r.integers(20, 61)), int(r.integers(2, 7))
        points = [
            lambda: r.standard_normal((n, d)),
            lambda: r.uniform(-1, 1, (n, d)),
            # Many equal distances, and points that coincide.
            lambda: r.integers(0, 4, (n, d)).astype(float),
            lambda: r.standard_normal((n, d)) * 0.1 + r.standard_normal((5, d))[r.integers(0, 5, n)],
            lambda: (lambda x: x / np.linalg.norm(x, axis=1, keepdims=True))(r.standard_normal((n, min(d, 4)))),
        ][number % 5]()
        # No distance lies at the threshold, where single and double precision differ.
        threshold = 0.501234567 * np.ptp(points, axis=0).max() if number % 3 == 2 else None
        yield Cloud(f"random cloud {number}", points, (2, 3, 47)[number % 3], threshold)


def spread(n: int) -> np.ndarray:
    """n points of a torus, evenly spread (R2 sequence)."""
    step = 0.7548776662466927
    return np.stack([np.arange(n) * step % 1, np.arange(n) * step**2 % 1], axis=1) * TAU


def waves(*phases: np.ndarray) -> np.ndarray:
    return np.stack([f(p) for p in phases for f in (np.cos, np.sin)], axis=1)


def torus(n: int, noise: float = 0.0, seed: int = 0, even: bool = True) -> np.ndarray:
    """The three phases of a hexagonal module, in six dimensions."""
    r = np.random.default_rng(seed)
    u, v = (spread(n) if even else r.uniform(0, TAU, (n, 2))).T
    return waves(u, v, -u - v) + noise * r.standard_normal((n, 6))


def controls() -> Iterator[Cloud]:
    r = np.random.default_rng(1)
    around = r.uniform(0, TAU, 120)
    yield Cloud("circle, noise", waves(around) + 0.05 * r.standard_normal((120, 2)), betti=(1, 1, 0), scale=1.0)
    x = r.standard_normal((160, 3))
    yield Cloud("sphere", x / np.linalg.norm(x, axis=1, keepdims=True), betti=(1, 0, 1), scale=1.2)
    yield Cloud("square torus", waves(*spread(200).T), betti=(1, 2, 1), scale=1.2)
    yield Cloud("hexagonal torus", torus(200), betti=(1, 2, 1), scale=1.6)
    u, v = spread(260).T
    # A Klein bottle in four dimensions: the tube is turned over on the way around.
    bottle = np.stack([(2 + np.cos(v)) * np.cos(u), (2 + np.cos(v)) * np.sin(u), np.sin(v) * np.cos(u / 2), np.sin(v) * np.sin(u / 2)], axis=1)
    yield Cloud("Klein bottle", bottle, 2, betti=(1, 2, 1), scale=1.5)
    yield Cloud("Klein bottle", bottle, 47, betti=(1, 1, 0), scale=1.5)
    yield Cloud("plane", r.uniform(0, 1, (200, 2)), betti=(1, 0, 0), scale=0.5)
    yield Cloud("two tori", np.vstack([torus(130), torus(130) + 20]), threshold=2.7501234, betti=(2, 4, 2), scale=1.6)


def race(program: Path, points: int, wrong: list[str]) -> None:
    """Both in turn, gridlake before and after; on as many threads as there are, of which ripser.py uses one."""
    cloud = Cloud("timed torus", torus(points, 0.1, even=False))
    first, ours = gridlake(program, cloud)
    started = time.perf_counter()
    expected = oracle(cloud)
    theirs = time.perf_counter() - started
    ours = min(ours, gridlake(program, cloud)[1])
    off = max(difference(found, bars) for found, bars in zip(first, expected, strict=True))
    if off > TOLERANCE:
        wrong.append(f"timed torus: bars differ by {off:.3g}")
    print(f"\n{points} points of a hexagonal torus with noise, dimensions 0 to 2, Z/47: gridlake {ours:.2f} s, ripser.py {theirs:.2f} s, {theirs / ours:.0f} ×; bars differ by {off:.0e}")
    if ours > theirs:
        wrong.append("gridlake is slower")


if __name__ == "__main__":
    main()
