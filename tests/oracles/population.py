"""What all units together tell: q-values by scipy, phases by numpy's least squares, circular statistics by astropy."""

import numpy as np
from astropy import stats
from compare import Near, Same
from lake import Tables
from maps import Maps
from scipy.stats import false_discovery_control
from waves import BAND_ORDERS, COLUMNS, ORDERS, design, resolved, seen

# Modes of the torus, as multiples of φ¹ and φ².
MODES = np.array([(1, 0), (0, 1), (1, 1), (1, -1), (1, 2), (2, 1), (2, 0), (0, 2), (2, 2)])
DRAWS = 4000


def q_of(p_column: str):
    def q(tables: Tables) -> np.ndarray:
        p = tables("units", p_column)
        tested = np.isfinite(p) & (tables("units", "active") > 0)
        found = np.full(len(p), np.nan)
        found[tested] = false_discovery_control(p[tested])
        return found

    return q


def modules(tables: Tables) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Row of the table modules, its units, its waves (3 × 2)."""
    labels, of_units = tables("modules", "module"), tables("units", "module")
    waves = np.stack([tables("modules", column) for column in COLUMNS], axis=1).reshape(-1, 3, 2)
    return [(row, np.nonzero(of_units == label)[0], waves[row]) for row, label in enumerate(labels)]


def phases(maps: Maps, cells: bool = False):
    def of(tables: Tables) -> np.ndarray:
        found = np.full((len(maps.rates), 3), np.nan)
        for _, units, waves in modules(tables):
            band = np.isnan(waves[1]).any()
            k = np.array([waves[0], waves[0] if band else waves[1]])
            orders = resolved(k, maps.bin_m, BAND_ORDERS if band else ORDERS)
            for unit in units:
                at, rates = seen(maps, unit)
                a = np.linalg.lstsq(design(at, k, orders), rates, rcond=None)[0]
                count = 1 if band else 3
                found[unit, :count] = np.arctan2(a[1 + len(orders) :][:count], a[1:][:count]) % (2 * np.pi)
        return found

    return of


def per_module(statistic):
    """A number of each row of the table modules, from its units' places in the cell (n × 2, radians; a band's second is NaN)."""

    def of(tables: Tables) -> np.ndarray:
        places = 2 * np.pi * np.stack([tables("units", "cell1"), tables("units", "cell2")], axis=1)
        return np.array([statistic(places[units]) for _, units, _ in modules(tables)])

    return of


def modes(places: np.ndarray) -> list[np.ndarray]:
    if np.isnan(places[:, 1]).all():
        return [places[:, 0], 2 * places[:, 0]]
    return list((places @ MODES.T).T)


def by_astropy(places: np.ndarray) -> float:
    """Each mode's 2 n R², with the length R of the mean resultant from astropy."""
    return sum(2 * len(places) * stats.circmoment(angles, p=1)[1] ** 2 for angles in modes(places))


def uniformity_p(places: np.ndarray) -> float:
    rng = np.random.default_rng(0)
    band, n = np.isnan(places[:, 1]).all(), len(places)

    def statistic(angles: np.ndarray) -> np.ndarray:
        turns = angles @ (np.array([(1, 0), (2, 0)]) if band else MODES).T
        return 2 / n * (np.abs(np.exp(1j * turns).sum(1)) ** 2).sum(-1)

    null = statistic(rng.uniform(0, 2 * np.pi, (DRAWS, n, 2)))
    return (1 + (null >= statistic(np.nan_to_num(places)[None])[0]).sum()) / (1 + DRAWS)


def spread(tables: Tables) -> np.ndarray:
    """astropy's circular standard deviation of the units' orientations modulo 60°; unbiased."""
    orientation = tables("units", "orientation_rad")
    found = []
    for _, units, waves in modules(tables):
        angles = 6 * orientation[units]
        found.append(np.nan if np.isnan(waves[1]).any() else stats.circstd(angles, method="circular") / 6 * np.sqrt(len(units) / (len(units) - 1)))
    return np.array(found)


def mean_orientation(tables: Tables) -> np.ndarray:
    orientation = tables("units", "orientation_rad")
    return np.array([np.nan if np.isnan(waves[1]).any() else stats.circmean(6 * orientation[units]) / 6 for _, units, waves in modules(tables)])


def of_periods(statistic):
    def of(tables: Tables) -> np.ndarray:
        periods = tables("units", "period_m")
        return np.array([statistic(periods[units]) for _, units, _ in modules(tables)])

    return of


def oracle(maps: Maps) -> list[Same | Near]:
    count, all_phases = len(maps.rates), phases(maps)
    phase = lambda place: lambda tables: all_phases(tables)[:, place]  # noqa: E731

    def identity(tables: Tables) -> np.ndarray:
        return (all_phases(tables).sum(1) + np.pi) % (2 * np.pi) - np.pi

    def hexagons(tables: Tables) -> np.ndarray:
        return np.array([row for row, shape in enumerate(tables.text("modules", "lattice_shape")) if shape == "hexagonal"])

    control = "scipy.stats.false_discovery_control"
    lstsq = "numpy.linalg.lstsq of the module's waves and harmonics"
    monte_carlo = f"numpy, {DRAWS} draws; two Monte Carlo p-values differ by chance"
    joint = "the module's lattice is fitted to all its maps at once; astropy averages the units' own"
    return [
        Same("units", "grid_score_q", control, q_of("grid_score_p"), 1e-12),
        Same("units", "periodicity_q", control, q_of("periodicity_p"), 1e-12),
        *(Same("units", f"phase{1 + place}", lstsq, phase(place), 1e-6, modulo=2 * np.pi) for place in range(3)),
        Same("units", "phase_identity_rad", lstsq, identity, 1e-6, modulo=2 * np.pi),
        Same("modules", "phase_statistic", "astropy.stats.circmoment", per_module(by_astropy), 1e-6, relative=True),
        Same("modules", "phase_uniformity_p", "Monte Carlo in numpy", per_module(uniformity_p), 0.06, deviation=monte_carlo),
        Same("modules", "period_m", "numpy.mean of its units' periods", of_periods(np.mean), 0.01, relative=True, deviation=joint.replace("astropy averages", "the mean is of")),
        Same("modules", "period_sd_m", "numpy.std of its units' periods", of_periods(lambda periods: np.std(periods, ddof=1)), 1e-9, relative=True),
        Same("modules", "orientation_rad", "astropy.stats.circmean", mean_orientation, np.radians(1), rows=hexagons, modulo=np.pi / 3, deviation=joint),
        Same("modules", "orientation_sd_rad", "astropy.stats.circstd", spread, 0.1, relative=True, rows=hexagons, deviation="gridlake's is of rotations against the module's lattice, which shear does not turn"),
    ]
