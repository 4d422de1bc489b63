"""Wave vectors, period and orientation: peaks of numpy's FFT, least squares by scipy, and the truth."""

import numpy as np
from compare import Near, Same
from lake import Tables
from maps import Maps
from scipy.optimize import least_squares

# Waves of a lattice and their harmonics of order √3 and 2, as multiples of the two shortest.
ORDERS = np.array([(1, 0), (0, 1), (-1, -1), (1, -1), (1, 2), (2, 1), (2, 0), (0, 2), (2, 2)])
BAND_ORDERS = np.array([(1, 0), (2, 0), (3, 0)])
COLUMNS = ("kx1", "ky1", "kx2", "ky2", "kx3", "ky3")


def resolved(k: np.ndarray, bin_m: float, orders: np.ndarray = ORDERS) -> np.ndarray:
    """Orders that the bins can hold: shorter than 0.9 of the Nyquist frequency."""
    keep = np.hypot(*(orders @ k).T) < 0.9 * 0.5 / bin_m
    keep[0] = True
    return orders[keep]


def design(at: np.ndarray, k: np.ndarray, orders: np.ndarray) -> np.ndarray:
    turns = 2 * np.pi * at @ (orders @ k).T
    return np.concatenate([np.ones((len(at), 1)), np.cos(turns), np.sin(turns)], axis=1)


def seen(maps: Maps, unit: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of visited bins (x, y) and the rates there, less their mean."""
    row, col = np.nonzero(maps.visited)
    rates = maps.rates[unit][row, col]
    return np.stack([maps.centres[col], maps.centres[row]], axis=1), rates - rates.mean()


def fitted(maps: Maps, unit: int, start: np.ndarray, band: bool = False) -> np.ndarray:
    """The two waves (a band: one) whose waves and harmonics fit the map best; amplitudes are solved for in each step."""
    at, rates = seen(maps, unit)
    rates = rates / rates.std()
    orders = resolved(start, maps.bin_m, BAND_ORDERS if band else ORDERS)

    def residual(k: np.ndarray) -> np.ndarray:
        basis, _ = np.linalg.qr(design(at, np.array([k[:2], k[:2] if band else k[2:]]), orders))
        return basis @ (basis.T @ rates) - rates

    found = least_squares(residual, start[0] if band else start.ravel(), x_scale=0.1 / maps.recording.side_m, xtol=1e-12, ftol=1e-14, gtol=1e-14)
    k = found.x
    return np.array([k[:2], k[:2] if band else k[2:]])


def superbase(k: np.ndarray) -> np.ndarray:
    """Three waves that sum to zero, none two at an acute angle; the least angle of the six first, then counter-clockwise."""
    base = [k[0], k[1], -k[0] - k[1]]
    for _ in range(100):
        acute = [(i, j) for i, j in ((0, 1), (0, 2), (1, 2)) if base[i] @ base[j] > 1e-12 * (base[0] @ base[0])]
        if not acute:
            break
        i, j = acute[0]
        base = [-base[i], base[j], base[i] - base[j]]
    angle = lambda v: np.arctan2(v[1], v[0]) % (2 * np.pi)  # noqa: E731
    signs = sorted((min(angle(sign * v) for v in base), sign) for sign in (1, -1))
    return np.array(sorted((signs[0][1] * v for v in base), key=angle))


def strongest(map: np.ndarray, side_m: float) -> np.ndarray:
    """The strongest wave of the padded FFT, cycles per metre, where a wave has at least one cycle."""
    bins, padded = len(map), 8 * len(map)
    power = np.abs(np.fft.fft2(np.nan_to_num(map - np.nanmean(map)), (padded, padded))) ** 2
    f = np.fft.fftfreq(padded, side_m / bins)
    fx, fy = np.meshgrid(f, f)
    power[np.hypot(fx, fy) < 1 / side_m] = 0
    at = np.unravel_index(np.argmax(power), power.shape)
    return np.array([fx[at], fy[at]])


def unevenness(map: np.ndarray, side_m: float) -> float:
    """Sum of squares of the power of waves of at least one cycle, over what it would be, were each ring of frequencies even."""
    bins = len(map)
    # As far as autocorrelograms reach: 0.8 of the box and two bins.
    padded = min(odd * 2 ** int(np.ceil(np.log2((bins + min(int(0.8 * bins) + 2, bins - 1)) / odd))) for odd in (1, 3, 5))
    power = np.abs(np.fft.fft2(np.nan_to_num(map - np.nanmean(map)), (padded, padded))) ** 2
    f = np.fft.fftfreq(padded, side_m / bins)
    length = np.hypot(*np.meshgrid(f, f))
    ring = np.round(length * padded * side_m / bins).astype(int)[length >= 1 / side_m]
    power = power[length >= 1 / side_m]
    even = np.bincount(ring, power) ** 2 / np.maximum(np.bincount(ring), 1)
    return (power**2).sum() / even.sum()


def oracle(maps: Maps) -> list[Same | Near]:
    recording = maps.recording
    cells = recording.cells
    lattices, bands = recording.of_kind("hexagonal", "sheared", "square"), recording.of_kind("band")
    k = np.full((len(cells), 6), np.nan)
    period = np.full(len(cells), np.nan)
    for unit in lattices:
        found = fitted(maps, unit, cells[unit].waves)
        if cells[unit].kind != "square":
            k[unit] = superbase(found).ravel()
        period[unit] = np.sqrt(2 / (np.sqrt(3) * abs(np.linalg.det(found))))
    for unit in bands:
        wave = fitted(maps, unit, cells[unit].waves, band=True)[0]
        k[unit, :2] = wave if wave[1] > 0 else -wave
        period[unit] = 1 / np.hypot(*wave)

    # A wrong class of a few noisy bands would be no error of the fit.
    def rows(kinds: tuple[str, ...]):
        def of(tables: Tables) -> np.ndarray:
            shapes = tables.text("units", "lattice_shape")
            return np.array([unit for unit in recording.of_kind(*kinds) if (shapes[unit] == "band") == (cells[unit].kind == "band")])

        return of

    fit = "scipy.optimize.least_squares of three waves and harmonics"
    stop = "gridlake's fit ends at steps of 1e-5 cycles across the box"
    bases, all_kinds = rows(("hexagonal", "sheared", "band")), rows(("hexagonal", "sheared", "square", "band"))
    found: list[Same | Near] = [
        Same("units", column, fit, k[:, place], 1e-5 / recording.side_m, rows=bases, deviation=stop) for place, column in enumerate(COLUMNS)
    ]
    found.append(Same("units", "period_m", fit, period, 1e-5, relative=True, rows=bases, deviation=stop))
    square = "of a square lattice's two third waves, a + b and a - b, either one's harmonics may be in the fit"
    found.append(Same("units", "period_m", fit + ", square lattices", period, 1e-3, relative=True, rows=rows(("square",)), deviation=square))
    hexagonal = rows(("hexagonal",))
    orientation = np.array([orientation_of(superbase(each.reshape(3, 2)[:2])) if np.isfinite(each).all() else np.nan for each in k])
    found.append(Same("units", "orientation_rad", fit, orientation, 1e-5, rows=hexagonal, modulo=np.pi / 3, deviation=stop))
    truth_period, truth_orientation = (np.array([getattr(cell, name) for cell in cells]) for name in ("period_m", "orientation_rad"))
    found.append(Same("units", "period_m", "the truth", truth_period, 0.03, relative=True, rows=all_kinds, deviation="noise, and bins"))
    found.append(Same("units", "orientation_rad", "the truth", truth_orientation, np.radians(2), rows=hexagonal, modulo=np.pi / 3, deviation="noise, and bins"))

    def squares(tables: Tables) -> np.ndarray:
        shapes = tables.text("units", "lattice_shape")
        return np.array([unit for unit in recording.of_kind("square") if shapes[unit] == "square"], dtype=int)

    found.append(
        Same("units", "orientation_rad", "the truth, square lattices", truth_orientation, np.radians(2), rows=squares, modulo=np.pi / 2, deviation="noise, and bins")
    )
    dull = recording.of_kind("dead", "constant")
    uneven = np.array([np.nan if unit in dull else unevenness(map, recording.side_m) for unit, map in enumerate(maps.rates)])
    found.append(Same("units", "periodicity", "numpy.fft.fft2, ring by ring", uneven, 1e-9, relative=True))
    peaks = np.array([strongest(map, recording.side_m) if unit in lattices else [np.nan] * 2 for unit, map in enumerate(maps.rates)])

    def from_peak(tables: Tables) -> float:
        """Largest distance of the strongest wave to the nearest of the table's, in bins of the map's spectrum."""
        waves = np.stack([tables("units", column) for column in COLUMNS], axis=1).reshape(-1, 3, 2)[hexagonal(tables)]
        gap = np.minimum(*(np.hypot(*np.moveaxis(waves - sign * peaks[hexagonal(tables)][:, None], -1, 0)).min(1) for sign in (1, -1)))
        return float(gap.max() * recording.side_m)

    coarse = "a bin of the spectrum is 1/side; leakage of the other waves moves a peak"
    found.append(Near("kx1 … ky3", "the strongest peak of numpy.fft.fft2", "largest distance in bins of the spectrum", from_peak, 0, 1, coarse))
    return found


def orientation_of(waves: np.ndarray) -> float:
    """60°-periodic mean of the waves' angles, less 30°."""
    return float(np.angle(np.exp(6j * (np.arctan2(waves[:, 1], waves[:, 0]) - np.pi / 6)).sum()) / 6 % (np.pi / 3))
