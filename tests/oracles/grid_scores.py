"""Grid scores: gridlake's definitions written down anew, the published scorer of Banino et al. (2018), and opexebo's gridness."""

import warnings

import numpy as np
import opexebo
from autocorrelograms import by_convolution, by_sums
from compare import Near, Same
from lake import Tables
from maps import Maps
from scipy.ndimage import map_coordinates, rotate
from scipy.signal import fftconvolve
from scipy.stats import spearmanr

ANGLES = (30, 45, 60, 90, 120, 135, 150)
BANINO_BINS = 20


def keys(distance: np.ndarray) -> np.ndarray:
    """The kernel of cubic convolution (Keys 1981, a = -1/2)."""
    d = np.abs(distance)
    near, far = 1 - 2.5 * d**2 + 1.5 * d**3, 2 - 4 * d + 2.5 * d**2 - 0.5 * d**3
    return np.where(d < 1, near, np.where(d < 2, far, 0.0))


def turned(sac: np.ndarray, dy: np.ndarray, dx: np.ndarray, degrees: float) -> np.ndarray:
    """The autocorrelogram at the lags (dy, dx) turned by an angle, by cubic convolution; NaN where a neighbour that counts is undefined."""
    sin, cos = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    middle = sac.shape[0] // 2
    at = [middle + sin * dx + cos * dy, middle + cos * dx - sin * dy]
    at = [np.where(np.abs(v - np.round(v)) < 1e-9, np.round(v), v) for v in at]
    wide = np.pad(sac, 2, constant_values=np.nan)
    low = [np.floor(v).astype(int) for v in at]
    total, inside = np.zeros(len(dy)), np.ones(len(dy), dtype=bool)
    for v, n in zip(at, sac.shape):
        inside &= np.where(v == np.floor(v), (v >= 0) & (v < n), (v >= 1) & (np.floor(v) + 2 < n))
    for i in range(-1, 3):
        for j in range(-1, 3):
            weight = keys(at[0] - low[0] - i) * keys(at[1] - low[1] - j)
            place = [np.clip(l + o + 2, 0, wide.shape[0] - 1) for l, o in zip(low, (i, j))]
            with np.errstate(invalid="ignore"):
                total += np.where(weight == 0, 0.0, weight * wide[place[0], place[1]])
    return np.where(inside, total, np.nan)


def turned_by_spline(sac: np.ndarray, dy: np.ndarray, dx: np.ndarray, degrees: float) -> np.ndarray:
    """The same by scipy's cubic spline, of a defined autocorrelogram."""
    sin, cos = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    middle = sac.shape[0] // 2
    return map_coordinates(sac, [middle + sin * dx + cos * dy, middle + cos * dx - sin * dy], order=3, cval=np.nan)


def half_plane(sac: np.ndarray, largest: float) -> tuple[np.ndarray, ...]:
    """Lags within a radius, one of each pair of opposite ones: dy, dx, radius."""
    middle = sac.shape[0] // 2
    dy, dx = (v.ravel() - middle for v in np.indices(sac.shape))
    radius = np.hypot(dy, dx)
    keep = (radius <= largest) & ((dy > 0) | ((dy == 0) & (dx > 0)))
    return dy[keep], dx[keep], radius[keep]


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    both = ~np.isnan(a) & ~np.isnan(b)
    a, b = a[both], b[both]
    if len(a) < 10 or min(np.var(a), np.var(b)) <= 1e-12:
        return np.nan
    return np.corrcoef(a, b)[0, 1]


def annuli(sac: np.ndarray, bins: int, turn=turned, outer: float = 0.8, narrowest: int = 3) -> tuple[float, float]:
    """`sargolini` and the 90° score."""
    dy, dx, radius = half_plane(sac, outer * bins)
    ring = np.round(radius).astype(int)
    values = sac[dy + sac.shape[0] // 2, dx + sac.shape[1] // 2]
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        means = np.array([np.nanmean(values[ring == number]) if (ring == number).any() else np.nan for number in range(ring.max() + 1)])
    edges = [i for i in range(1, len(means)) if means[i] <= 0 or (i + 1 < len(means) and means[i] < means[i + 1])]
    if not edges:
        return np.nan, np.nan
    rotated = {angle: turn(sac, dy, dx, angle) for angle in ANGLES}
    curves = []
    for last in range(edges[0] + narrowest - 1, len(means)):
        within = (ring >= edges[0]) & (ring <= last)
        r = {angle: pearson(values[within], rotated[angle][within]) for angle in ANGLES}
        hexagonal = np.min([r[60], r[120]]) - np.max([r[30], r[90], r[150]])
        curves.append((hexagonal, r[90] - np.max([r[45], r[135]])))
    if len(curves) < 3:
        return np.nan, np.nan
    of_three = np.lib.stride_tricks.sliding_window_view(np.array(curves), 3, axis=0).mean(-1)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        return tuple(np.nanmax(of_three, axis=0))


def coarse(map: np.ndarray, visits: np.ndarray) -> np.ndarray:
    """20 × 20 bins: rates weighted by visits, bins shared out by area."""
    bins = len(map)
    edges, wide = np.arange(bins + 1), np.arange(BANINO_BINS + 1) * bins / BANINO_BINS
    shares = np.clip(np.minimum(wide[1:, None], edges[None, 1:]) - np.maximum(wide[:-1, None], edges[None, :-1]), 0, None)
    shares[shares < 1e-12] = 0
    below = shares @ visits @ shares.T
    with np.errstate(invalid="ignore"):
        return np.where(below > 0, shares @ (np.nan_to_num(map) * visits) @ shares.T / below, np.nan)


def masks(small: np.ndarray) -> float:
    """`banino`, as gridlake defines it."""
    sac, _ = by_sums(small)
    if np.isnan(sac).all():
        return np.nan
    dy, dx, radius = half_plane(sac, BANINO_BINS)
    values = sac[dy + sac.shape[0] // 2, dx + sac.shape[1] // 2]
    rotated = {angle: turned(sac, dy, dx, angle) for angle in (30, 60, 90, 120, 150)}
    scores = []
    for outer in np.linspace(0.4, 1.0, 10):
        within = (radius > 0.2 * BANINO_BINS) & (radius <= outer * BANINO_BINS + 1e-9)
        known = within & ~np.isnan(values)
        mean, variance = values[known].mean(), values[known].var() + 1e-5
        r = {}
        for angle, other in rotated.items():
            both = known & ~np.isnan(other)
            r[angle] = np.mean((values[both] - mean) * (other[both] - mean)) / variance if both.sum() >= 10 else np.nan
        scores.append((r[60] + r[120]) / 2 - (r[30] + r[90] + r[150]) / 3)
    return float(np.nanmax(scores))


def published(small: np.ndarray) -> float:
    """The scorer of Banino et al. (2018), mean form: unvisited bins are zero rate, the whole plane, spline rotation with zeros outside."""
    sac = np.nan_to_num(by_convolution(np.nan_to_num(small), lambda g, f: fftconvolve(g, f[::-1, ::-1]), least=1))
    turns = {angle: rotate(sac, angle, reshape=False) for angle in (30, 60, 90, 120, 150)}
    middle = sac.shape[0] // 2
    radius = np.hypot(*(np.indices(sac.shape) - middle))
    scores = []
    for outer in np.linspace(0.4, 1.0, 10):
        ring = (radius > 0.2 * BANINO_BINS) & (radius <= outer * BANINO_BINS)
        centred = sac[ring] - sac[ring].mean()
        variance = np.mean(centred**2) + 1e-5
        r = {angle: np.mean(centred * (other[ring] - sac[ring].mean())) / variance for angle, other in turns.items()}
        scores.append((r[60] + r[120]) / 2 - (r[30] + r[90] + r[150]) / 3)
    return float(np.max(scores))


def opexebo_gridness(map: np.ndarray) -> tuple[float, dict]:
    """opexebo's, on its own autocorrelogram."""
    with warnings.catch_warnings(action="ignore"):
        score, more = opexebo.analysis.grid_score(opexebo.analysis.autocorrelation(map))
    return float(score), more


def by_scipy(maps: Maps) -> dict[str, np.ndarray]:
    """Scores of all units; NaN for dead and constant ones."""
    bins = maps.recording.bins
    dull = maps.recording.of_kind("dead", "constant")
    scores = {name: np.full(len(maps.rates), np.nan) for name in ("sargolini", "square", "banino", "published", "spline")}
    for unit in np.setdiff1d(np.arange(len(maps.rates)), dull):
        sac, _ = maps.autocorrelograms[unit]
        scores["sargolini"][unit], scores["square"][unit] = annuli(sac, bins)
        inner = sac[1:-1, 1:-1]
        if not np.isnan(inner[np.hypot(*(np.indices(inner.shape) - inner.shape[0] // 2)) < 0.8 * bins + 3]).any():
            spline_sac = np.nan_to_num(sac)
            scores["spline"][unit], _ = annuli(spline_sac, bins, turned_by_spline)
        small = coarse(maps.rates[unit], maps.visits)
        scores["banino"][unit], scores["published"][unit] = masks(small), published(small)
    return scores


def correlation(ours: np.ndarray, theirs: np.ndarray) -> float:
    both = np.isfinite(ours) & np.isfinite(theirs)
    return float(np.corrcoef(ours[both], theirs[both])[0, 1])


def oracle(maps: Maps) -> list[Same | Near]:
    scores = by_scipy(maps)
    definition = "its definition in numpy"
    found: list[Same | Near] = [
        Same("units", "grid_score_sargolini", definition, scores["sargolini"], 1e-9),
        Same("units", "square_score", definition, scores["square"], 1e-9),
        Same("units", "grid_score_banino", definition, scores["banino"], 1e-9),
    ]
    units = np.setdiff1d(np.arange(len(maps.rates)), maps.recording.of_kind("dead", "constant"))
    theirs, spacing, orientation = (np.full(len(maps.rates), np.nan) for _ in range(3))
    corner = np.zeros(len(maps.rates), dtype=bool)
    for unit in units:
        theirs[unit], more = opexebo_gridness(maps.filled(unit))
        spacing[unit], orientation[unit] = more["grid_spacing"] * maps.bin_m, np.radians(more["grid_orientation"])
        # A peak beside the mask is dropped by leaving it at (0, 0), the corner of the autocorrelogram, which is then taken for one.
        corner[unit] = (np.asarray(more["grid_positions"]).reshape(-1, 2) == 0).all(axis=1).any() if np.ndim(more["grid_positions"]) == 2 else False

    def column(name: str):
        return lambda tables: tables("units", name)

    def apart(name: str, other: np.ndarray):
        return lambda tables: float(np.nanmax(np.abs(column(name)(tables) - other)))

    rotation = "rotation by scipy's cubic spline instead of cubic convolution, where no lag is undefined"
    if np.isfinite(scores["spline"]).any():
        found.append(Near("grid_score_sargolini", "scipy.ndimage.map_coordinates", "largest difference", apart("grid_score_sargolini", scores["spline"]), 0, 0.03, rotation))
    scorer = "unvisited bins are zero rate there; rotation is a spline, and zero outside the square of lags"
    gridness = (
        "unvisited bins are zero rate there; the inner radius is that of the central field at an adaptive threshold, radii end at 0.9 of the box, the last mean of three is left out; rotation is bilinear"
    )
    for name, other, against, least, deviation in (
        ("grid_score_banino", scores["published"], "Banino et al.'s scorer, transcribed", 0.97, scorer),
        ("grid_score_sargolini", theirs, "opexebo.analysis.grid_score", 0.9, gridness),
    ):
        pearson_r = lambda tables, name=name, other=other: correlation(column(name)(tables), other)  # noqa: E731
        found.append(Near(name, against, "correlation over units", pearson_r, least, 1.0, deviation))
        rank = lambda tables, name=name, other=other: float(spearmanr(column(name)(tables)[units], other[units], nan_policy="omit").statistic)  # noqa: E731
        found.append(Near(name, against, "rank correlation over units", rank, least - 0.1, 1.0, deviation))
    hexagonal = maps.recording.of_kind("hexagonal")
    peaks = "opexebo takes peaks in whole bins, and three of six; units for which it took the corner are left out"
    dropped = "a peak beside opexebo's masks is not dropped but left at (0, 0), the corner of its autocorrelogram, whose distance is then a spacing"

    def largest(column: str, other: np.ndarray, apart) -> Near:
        def value(tables: Tables) -> float:
            kept = hexagonal[~corner[hexagonal] & np.isfinite(other[hexagonal])]
            return float(np.abs(apart(tables("units", column)[kept], other[kept])).max())

        unit = "rad" if "rad" in column else "share of it"
        return Near(column, "opexebo.analysis.grid_score's grid_stats", f"largest difference over hexagonal lattices ({unit})", value, 0, 0.1, peaks)

    found.append(largest("sac_spacing_m", spacing, lambda ours, theirs: theirs / ours - 1))
    found.append(largest("sac_orientation_rad", orientation, lambda ours, theirs: (ours - theirs + np.pi / 6) % (np.pi / 3) - np.pi / 6))
    share = lambda _: float(corner[hexagonal].mean())  # noqa: E731
    found.append(Near("sac_spacing_m", "opexebo.analysis.grid_score's grid_stats", "share of hexagonal lattices for which it took the corner", share, 0, np.inf, dropped))
    truths = {"sac_spacing_m": "period_m", "sac_orientation_rad": "orientation_rad"}
    for column_of, truth in truths.items():
        true = np.array([getattr(cell, truth) for cell in maps.recording.cells])
        angle = column_of == "sac_orientation_rad"
        found.append(Same("units", column_of, "the truth", true, np.radians(3) if angle else 0.05, relative=not angle, rows=hexagonal, modulo=np.pi / 3 if angle else None, deviation="noise, and bins"))
    return found


def nulls(maps: Maps) -> list[Same]:
    """p-values from the null distributions of the table, counted by numpy: a surrogate within 1e-4 of the score counts as equal."""

    def p_of(score: str, column: str, tie: float):
        def p(tables: Tables) -> np.ndarray:
            values, rows = tables("units", column), np.full(len(maps.rates), np.nan)
            table = tables.table("nulls")
            null = tables("nulls", "null")
            for row, (unit, name) in enumerate(zip(table["unit"].to_pylist(), table["score"].to_pylist())):
                if name == score and np.isfinite(values[unit]):
                    known = null[row][np.isfinite(null[row])]
                    # Without a null, as of maps too sparse for one, there is no p-value.
                    rows[unit] = (1 + (known >= values[unit] - tie).sum()) / (1 + len(known)) if len(known) else np.nan
            return rows

        return p

    def p99(score: str):
        def of(tables: Tables) -> np.ndarray:
            found, null, table = np.full(len(maps.rates), np.nan), tables("nulls", "null"), tables.table("nulls")
            for row, (unit, name) in enumerate(zip(table["unit"].to_pylist(), table["score"].to_pylist())):
                if name == score and np.isfinite(null[row]).any():
                    found[unit] = np.quantile(null[row][np.isfinite(null[row])], 0.99)
            return found

        return of

    quantiles = {"sargolini": "grid_score_null_p99", "banino": "grid_score_banino_null_p99", "square": "square_score_null_p99"}
    return [Same("units", column, "numpy.quantile of the table nulls", p99(score), 1e-6) for score, column in quantiles.items()] + [
        Same("units", column, "numpy, from the table nulls", p_of(score, value, tie), 1e-12)
        for score, value, column, tie in (
            ("sargolini", "grid_score_sargolini", "grid_score_p", 1e-4),
            ("banino", "grid_score_banino", "grid_score_banino_p", 1e-4),
            ("square", "square_score", "square_score_p", 1e-4),
            ("periodicity", "periodicity", "periodicity_p", 1e-5),
        )
    ]
