"""How long gridlake and the Python tools take per map for an autocorrelogram and a grid score, a unit's surrogate maps included."""

import time
import warnings
from pathlib import Path

import numpy as np
from autocorrelograms import by_convolution
from compare import Near
from grid_scores import annuli, opexebo_gridness
from lake import Program, Tables
from maps import Maps
from recordings import Recording
from scipy.signal import fftconvolve
from scipy.stats import ks_2samp

UNITS = 4


def randomized(map: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Phase randomization by numpy: the phases of white noise."""
    known = ~np.isnan(map)
    mean = map[known].mean()
    amplitude = np.abs(np.fft.rfft2(np.where(known, map - mean, 0)))
    phase = np.angle(np.fft.rfft2(rng.normal(size=map.shape)))
    return np.where(known, np.fft.irfft2(amplitude * np.exp(1j * phase), map.shape) + mean, np.nan)


def python(maps: Maps, nulls: int) -> float:
    """Seconds per map."""
    rng, units = np.random.default_rng(0), maps.recording.of_kind("hexagonal")[:UNITS]
    opexebo_gridness(maps.filled(units[0]))
    started = time.perf_counter()
    with warnings.catch_warnings(action="ignore"):
        for unit in units:
            opexebo_gridness(maps.filled(unit))
            for _ in range(nulls):
                opexebo_gridness(np.nan_to_num(randomized(maps.rates[unit], rng)))
    return (time.perf_counter() - started) / (len(units) * (1 + nulls))


def gridlake(program: Program, recording: Recording, lake: Path, nulls: int) -> float:
    """Seconds per map, of the whole analysis: from the table of activity to all tables written, on one thread, every score with its nulls."""
    started = time.perf_counter()
    program.analyze(recording, lake, "analyze", nulls, "--threads", "1", "--force", "--set", "analyze.nulls.kind=phase")
    return (time.perf_counter() - started) / (len(recording.cells) * (1 + nulls))


def compare(program: Program, maps: Maps, lake: Path, nulls: int, python_nulls: int) -> tuple[str, float]:
    """One line, and how many times faster."""
    ours, theirs = gridlake(program, maps.recording, lake, nulls), python(maps, python_nulls)
    count = len(maps.rates)
    bins = maps.recording.bins
    line = (
        f"{bins} × {bins} bins: gridlake's whole analysis {1e3 * ours:.3f} ms per map ({count} units with {nulls} surrogates each, one thread, reading and writing included), "
        f"opexebo's autocorrelation and grid score with numpy's surrogates {1e3 * theirs:.1f} ms per map ({UNITS} units with {python_nulls}): {theirs / ours:.0f} times"
    )
    return line, theirs / ours


def null_distributions(maps: Maps, lake: Path, units: int) -> Near:
    """The table's null distributions of `sargolini`, of phase-randomized maps, against numpy's surrogates scored by the definition: the least p-value of units."""
    rng, tables = np.random.default_rng(1), Tables(lake)
    table, null = tables.table("nulls"), tables("nulls", "null")
    rows = {unit: row for row, (unit, name) in enumerate(zip(table["unit"].to_pylist(), table["score"].to_pylist())) if name == "sargolini"}
    least = 1.0
    for unit in maps.recording.of_kind("hexagonal")[:units]:
        ours = null[rows[unit]][np.isfinite(null[rows[unit]])]
        surrogates = (randomized(maps.rates[unit], rng) for _ in range(len(ours)))
        theirs = [annuli(by_convolution(map, lambda g, f: fftconvolve(g, f[::-1, ::-1])), maps.recording.bins)[0] for map in surrogates]
        least = min(least, float(ks_2samp(ours, theirs).pvalue))
    deviation = "other random numbers"
    return Near("nulls.null", "numpy's phase randomization, scored by the definition in numpy", "least p-value of scipy.stats.ks_2samp over units", lambda _: least, 0.001, 1, deviation)
