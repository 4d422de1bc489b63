"""Information, sparsity, coherence, border score, stability: their formulas in numpy, and opexebo's."""

import warnings

import numpy as np
import opexebo
from compare import Near, Same
from grid_scores import correlation
from maps import Maps
from scipy.ndimage import convolve, label

FIELD_LEVEL, FIELD_M2 = 0.3, 0.02


def information(map: np.ndarray, visits: np.ndarray) -> float:
    p = visits[visits > 0] / visits.sum()
    relative = map[visits > 0] / (p @ map[visits > 0]) if (map[visits > 0] > 0).any() else np.full(len(p), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.sum(np.where(relative == 0, 0.0, p * relative * np.log2(relative))))


def sparsity(map: np.ndarray, visits: np.ndarray) -> float:
    p, rate = visits[visits > 0] / visits.sum(), map[visits > 0]
    return float((p @ rate) ** 2 / (p @ rate**2)) if (rate > 0).any() else np.nan


def coherence(map: np.ndarray) -> float:
    around = np.ones((3, 3))
    around[1, 1] = 0
    known = ~np.isnan(map)
    count = convolve(known.astype(float), around, mode="constant")
    near = convolve(np.nan_to_num(map), around, mode="constant")
    both = known & (count > 0)
    return correlated(map[both], near[both] / count[both])


def correlated(a: np.ndarray, b: np.ndarray) -> float:
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    if len(a) < 20 or any(np.var(values) <= 1e-24 * np.max(np.abs(values)) ** 2 for values in (a, b)):
        return np.nan
    return float(np.corrcoef(a, b)[0, 1])


def fields(map: np.ndarray, bin_m: float) -> np.ndarray:
    """Labels of fields by scipy: bins that touch with 30 % of the peak, at least 200 cm²."""
    labels, count = label(np.nan_to_num(map, nan=-1.0) >= FIELD_LEVEL * np.nanmax(map), structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    small = sizes * bin_m**2 < FIELD_M2 * (1 - 1e-9)
    labels[small[labels]] = 0
    return labels


def border(map: np.ndarray, bin_m: float) -> tuple[float, float]:
    """Solstad et al.'s (c - d)/(c + d) = b, and the wall score: b, but where c is 1 and d at most 0.2 at least (1 + the largest mean rate along a wall over the peak)/2."""
    if np.nanmax(map) - np.nanmin(map) <= 1e-12 * np.nanmax(map) or not (labels := fields(map, bin_m)).any():
        return np.nan, np.nan
    n = len(map)
    deep = max(1, int(0.1 * n + 0.5))
    coverage, wall_rates = [], []
    for turn in range(4):
        wall, own = np.rot90(map, turn)[:deep], np.rot90(labels, turn)[:deep]
        seen = ~np.isnan(wall).all(axis=0)
        first = np.argmax(~np.isnan(wall), axis=0)
        of_line = own[first, np.arange(n)][seen]
        if seen.sum() >= 0.5 * n:
            coverage.append(max(np.mean(of_line == number) for number in np.unique(labels[labels > 0])))
            wall_rates.append(np.mean(wall[first, np.arange(n)][seen]) / np.nanmax(map))
    if not coverage:
        return np.nan, np.nan
    row, col = np.indices(map.shape)
    to_wall = np.minimum.reduce([row, col, n - 1 - row, n - 1 - col]) + 0.5
    inside = labels > 0
    distance = np.average(to_wall[inside], weights=map[inside]) / (n / 2)
    score = float((max(coverage) - distance) / (max(coverage) + distance))
    return score, max(score, (1 + float(max(wall_rates))) / 2) if max(coverage) == 1 and distance <= 0.2 + 1e-6 else score


def opexebo_border(map: np.ndarray, bin_m: float) -> tuple[float, float]:
    """opexebo's score of scipy's fields: as it is, and with distances of half a bin less, which is gridlake's."""
    labels = fields(map, bin_m)
    if not labels.any():
        return np.nan, np.nan
    # Masked, not NaN: bins that are NaN count as covered there.
    unvisited = np.isnan(map)
    each = [{"field_map": np.ma.array(np.where(labels == number, 1.0, 0.0), mask=unvisited)} for number in np.unique(labels[labels > 0])]
    score, coverage = opexebo.analysis.border_score(np.ma.array(np.nan_to_num(map), mask=unvisited), labels, each, "square", search_width=max(1, int(0.1 * len(map) + 0.5)))
    if coverage == 0:
        return float(score), -1.0
    weighted = coverage * (1 - score) / (1 + score)
    distance = weighted - 1 / len(map)
    return float(score), float((coverage - distance) / (coverage + distance))


def oracle(maps: Maps) -> list[Same | Near]:
    visits, units = maps.visits, range(len(maps.rates))
    dead, dull = maps.recording.of_kind("dead"), maps.recording.of_kind("dead", "constant")
    stats = [opexebo.analysis.rate_map_stats(map, np.where(visits > 0, visits, np.nan)) for map in maps.rates]
    theirs = {key: np.array([float(each[key]) for each in stats]) for key in ("sparsity", "spatial_information_content")}
    theirs["sparsity"][dead] = np.nan
    bits = np.array([information(map, visits) for map in maps.rates])
    # What opexebo leaves out: the (negative) terms of bins below the mean.
    below = np.array([below_mean(map, visits) for map in maps.rates])
    unclamped = theirs["spatial_information_content"] + below
    unclamped[dead] = np.nan
    borders = np.full((len(maps.rates), 2), np.nan)
    opexebo_borders = np.full((len(maps.rates), 2), np.nan)
    with warnings.catch_warnings(action="ignore"):
        coherences = np.array([opexebo.analysis.rate_map_coherence(map) for map in maps.unsmoothed])
    for unit in np.setdiff1d(units, dull):
        borders[unit] = border(maps.rates[unit], maps.bin_m)
        opexebo_borders[unit] = opexebo_border(maps.rates[unit], maps.bin_m)
    # Stability is the only measure of other maps.
    halves = np.array([correlated(a.ravel(), b.ravel()) for a, b in zip(*maps.halves)])
    formula = "its formula in numpy"
    clamped = "opexebo replaces rates below the mean by the mean inside the logarithm; those terms are put back"
    half_bin = "opexebo counts a bin at the wall as a whole bin away from it; half a bin is taken off. Fields are those of scipy.ndimage.label for both, unvisited bins are masked (as NaN they count as covered there)"
    found: list[Same | Near] = [
        Same("units", "spatial_information_bits", formula, bits, 1e-9),
        Same("units", "spatial_information_bits", "opexebo.analysis.rate_map_stats", unclamped, 1e-9, deviation=clamped),
        Same("units", "sparsity", formula, np.array([sparsity(map, visits) for map in maps.rates]), 1e-9),
        Same("units", "sparsity", "opexebo.analysis.rate_map_stats", theirs["sparsity"], 1e-9),
        Same("units", "coherence", formula, np.array([coherence(map) for map in maps.unsmoothed]), 1e-9),
        Same("units", "border_score", formula, borders[:, 0], 1e-9),
        Same("units", "wall_score", formula, borders[:, 1], 1e-9),
        Same("units", "border_score", "opexebo.analysis.border_score", opexebo_borders[:, 1], 1e-9, deviation=half_bin),
        Same("units", "stability", formula, halves, 1e-9),
    ]

    def near(column: str, other: np.ndarray, against: str, least: float, deviation: str) -> Near:
        return Near(column, against, "correlation over units", lambda tables: correlation(tables("units", column), other), least, 1.0, deviation)

    alive = np.setdiff1d(units, dull)
    apart = lambda tables: float(np.abs(tables("units", "coherence") - coherences)[alive].max())  # noqa: E731
    zeros = "bins that were not visited, and those beyond the wall, are zero rate there"
    found.append(Near("coherence", "opexebo.analysis.rate_map_coherence", "largest difference", apart, 0, 0.25, zeros))
    found.append(near("border_score", opexebo_borders[:, 0], "opexebo.analysis.border_score", 0.95, half_bin))
    return found


def below_mean(map: np.ndarray, visits: np.ndarray) -> float:
    p, rate = visits[visits > 0] / visits.sum(), map[visits > 0]
    if not (rate > 0).any():
        return np.nan
    relative = rate / (p @ rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where((relative > 0) & (relative < 1), p * relative * np.log2(relative), 0.0).sum())
