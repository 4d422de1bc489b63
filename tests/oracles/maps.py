"""Ratemaps by scipy: binned_statistic_2d, and gaussian_filter of activity and occupancy apart."""

from dataclasses import dataclass
from functools import cached_property

import autocorrelograms
import numpy as np
from compare import Same
from recordings import Recording
from scipy.ndimage import gaussian_filter
from scipy.stats import binned_statistic_2d


@dataclass
class Maps:
    """Maps (units × rows × columns, NaN where unvisited) and visits, in double precision: what all other oracles begin with."""

    recording: Recording
    rates: np.ndarray
    visits: np.ndarray
    # Of the first and the second half of the moments, never smoothed.
    halves: tuple[np.ndarray, np.ndarray]
    # Of all moments, never smoothed.
    unsmoothed: np.ndarray

    @property
    def visited(self) -> np.ndarray:
        return self.visits > 0

    @property
    def bin_m(self) -> float:
        return self.recording.side_m / self.recording.bins

    @property
    def centres(self) -> np.ndarray:
        """Of the bins of a side, m."""
        return (np.arange(self.recording.bins) + 0.5) * self.bin_m - self.recording.side_m / 2

    @cached_property
    def autocorrelograms(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each unit, by direct sums; with what the overlaps vary."""
        return [autocorrelograms.by_sums(map) for map in self.rates]

    def filled(self, unit: int) -> np.ndarray:
        """Unvisited bins as zero."""
        return np.nan_to_num(self.rates[unit])


def maps(recording: Recording) -> Maps:
    at, activity = recording.moments_as_read()
    half = len(at) // 2
    rates, visits = binned(recording, at, activity, recording.smoothing_m)
    halves = tuple(binned(recording, at[part], activity[part], 0)[0] for part in (slice(0, half), slice(half, None)))
    return Maps(recording, rates, visits, halves, binned(recording, at, activity, 0)[0])


def binned(recording: Recording, at: np.ndarray, activity: np.ndarray, smoothing_m: float) -> tuple[np.ndarray, np.ndarray]:
    edges = [np.linspace(-recording.side_m / 2, recording.side_m / 2, recording.bins + 1)] * 2
    # Rows are y.
    sums = binned_statistic_2d(at[:, 1], at[:, 0], activity.T, "sum", bins=edges).statistic
    visits = binned_statistic_2d(at[:, 1], at[:, 0], None, "count", bins=edges).statistic
    seen = visits > 0
    with np.errstate(invalid="ignore"):
        if smoothing_m == 0:
            return np.where(seen, sums / visits, np.nan), visits
        sigma = smoothing_m * recording.bins / recording.side_m
        reach = int(np.ceil(3 * sigma))
        blur = lambda map: gaussian_filter(map, sigma, mode="constant", radius=reach)  # noqa: E731
        below = blur(visits)
        return np.where(seen, np.stack([blur(map) for map in sums]) / below, np.nan), visits


def oracle(maps: Maps) -> list[Same]:
    count = len(maps.rates)
    flat = maps.rates.reshape(count, -1)
    against = "scipy.stats.binned_statistic_2d, smoothed by scipy.ndimage.gaussian_filter"
    return [
        # Stored in single precision.
        Same("ratemaps", "rate", against, flat, 1e-6 * np.nanmax(flat)),
        *(Same(table, "peak_rate", against, np.nanmax(flat, axis=1), 1e-9) for table in ("ratemaps", "units")),
        *(Same(table, "mean_rate", against, np.nanmean(flat, axis=1), 1e-9) for table in ("ratemaps", "units")),
    ]
