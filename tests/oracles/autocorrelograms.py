"""Pearson's r per lag over the bins visited at both ends: by sums over slices, and by scipy's convolutions."""

import numpy as np
from compare import Same
from scipy.signal import correlate, fftconvolve

# Sides of an overlap that vary by no more than this share of the map's variance are constant.
CONSTANT = 1e-10
LEAST_OVERLAP = 20


def by_sums(map: np.ndarray, least: int = LEAST_OVERLAP) -> tuple[np.ndarray, np.ndarray]:
    """r at every lag, and the smaller of the two sides' variances over the map's."""
    rows, cols = map.shape
    r = np.full((2 * rows - 1, 2 * cols - 1), np.nan)
    share = np.full_like(r, np.nan)
    known = ~np.isnan(map)
    if not known.any() or (whole := np.var(map[known])) <= 1e-24 * np.abs(map[known]).max() ** 2:
        return r, share
    for dy in range(rows):
        for dx in range(-cols + 1, cols):
            here = (slice(0, rows - dy), slice(max(0, -dx), cols - max(0, dx)))
            there = (slice(dy, rows), slice(max(0, dx), cols + min(0, dx)))
            both = known[here] & known[there]
            n = np.count_nonzero(both)
            if n < least:
                continue
            a, b = map[here][both], map[there][both]
            a, b = a - a.mean(), b - b.mean()
            aa, bb = a @ a / n, b @ b / n
            places = (rows - 1 + dy, cols - 1 + dx), (rows - 1 - dy, cols - 1 - dx)
            value = np.nan if min(aa, bb) <= CONSTANT * whole else a @ b / n / np.sqrt(aa * bb)
            for place in places:
                r[place], share[place] = value, min(aa, bb) / whole
    return r, share


def by_convolution(map: np.ndarray, convolve, least: int = LEAST_OVERLAP) -> np.ndarray:
    known = (~np.isnan(map)).astype(float)
    filled = np.nan_to_num(map - np.nanmean(map))
    # Σ f(x) g(x + l) at lag l.
    sum_of = lambda f, g: convolve(g, f)  # noqa: E731
    n, products = sum_of(known, known), sum_of(filled, filled)
    a, b = sum_of(filled, known), sum_of(known, filled)
    aa, bb = sum_of(filled**2, known), sum_of(known, filled**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (n * products - a * b) / np.sqrt((n * aa - a**2) * (n * bb - b**2))
    return np.where(np.round(n) >= least, r, np.nan)


def oracle(maps) -> list[Same]:
    sums = maps.autocorrelograms
    r, share = (np.stack([each[part] for each in sums]).reshape(len(sums), -1) for part in (0, 1))
    # Sums by FFT lose what the overlap's variance is smaller than the map's: 1e-12 of the map's variance.
    tolerance = 1e-6 + 1e-12 / np.nan_to_num(np.maximum(share, CONSTANT), nan=1.0)
    doubtful = (share > 0.3 * CONSTANT) & (share < 3 * CONSTANT)
    fft = np.stack([by_convolution(map, lambda g, f: fftconvolve(g, f[::-1, ::-1])) for map in maps.rates]).reshape(r.shape)
    slow = by_convolution(maps.rates[0], lambda g, f: correlate(g, f, method="direct")).ravel()
    assert np.nanmax(np.abs(slow - r[0])) < 1e-9, "scipy.signal.correlate against sums"
    smooth = ~(share > 1e-6)
    deviation = "single precision in the table; 1e-12 over the overlap's share of the map's variance more, for sums by FFT"
    same = lambda against, expected, ignore: Same(  # noqa: E731
        "autocorrelograms", "r", against, expected, tolerance, deviation=deviation, ignore=ignore
    )
    return [same("direct sums per lag", r, doubtful), same("scipy.signal.fftconvolve", np.where(smooth, np.nan, fft), smooth)]
