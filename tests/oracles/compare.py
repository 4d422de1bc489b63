"""What an oracle says about a column, and whether the tables agree."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from lake import Tables

Numbers = Callable[[Tables], np.ndarray] | np.ndarray


def of(numbers: Numbers, tables: Tables) -> np.ndarray:
    return numbers(tables) if callable(numbers) else numbers


@dataclass(frozen=True)
class Same:
    """A column's numbers are these, within a tolerance: NaN exactly where they are NaN."""

    table: str
    column: str
    against: str
    expected: Numbers
    tolerance: float | np.ndarray
    # Whether the tolerance is a share of the expected number.
    relative: bool = False
    # Rows that are compared; all, where not given.
    rows: Numbers | None = None
    # Numbers equal up to multiples of this.
    modulo: float | None = None
    # What the other software has otherwise, and that was undone.
    deviation: str = ""
    # Entries that are not compared.
    ignore: np.ndarray | None = None

    def differences(self, tables: Tables) -> tuple[np.ndarray, np.ndarray]:
        """Differences, and the same in tolerances."""
        found, expected = tables(self.table, self.column), np.asarray(of(self.expected, tables), dtype=float)
        if self.rows is not None:
            rows = of(self.rows, tables)
            found, expected = found[rows], expected[rows]
        assert found.shape == expected.shape, f"{self}: {found.shape} numbers, not {expected.shape}"
        apart = found - expected
        if self.modulo is not None:
            apart = (apart + self.modulo / 2) % self.modulo - self.modulo / 2
        scale = np.maximum(np.abs(expected), 1e-300) if self.relative else 1.0
        apart = np.abs(apart) / scale
        apart = np.where(np.isnan(found) & np.isnan(expected), 0.0, apart)
        apart = np.where(np.isnan(apart), np.inf, apart)
        if self.ignore is not None:
            apart = np.where(self.ignore, 0.0, apart)
        return apart, apart / self.tolerance

    def check(self, tables: Tables) -> tuple[int, float]:
        """How many finite numbers were compared, and the largest difference.

        Raises AssertionError where one is beyond its tolerance."""
        apart, by_tolerance = self.differences(tables)
        assert apart.size, f"{self}: nothing to compare"
        if not (by_tolerance <= 1.0).all():
            worst = np.unravel_index(np.argmax(by_tolerance), apart.shape)
            tolerance = np.broadcast_to(self.tolerance, apart.shape)[worst]
            count = int((~(by_tolerance <= 1.0)).sum())
            raise AssertionError(f"{self}: {count} of {apart.size} numbers differ, place {tuple(map(int, worst))} by {apart[worst]:.3g}; tolerance {tolerance:.3g}")
        expected = np.asarray(of(self.expected, tables), dtype=float)
        expected = expected if self.rows is None else expected[of(self.rows, tables)]
        return int(np.isfinite(expected).sum()), float(apart.max())

    def __str__(self) -> str:
        return f"{self.table}.{self.column} against {self.against}"


@dataclass(frozen=True)
class Near:
    """Numbers of other software that mean the same but are defined otherwise: a statistic of both lies within bounds."""

    column: str
    against: str
    statistic: str
    value: Callable[[Tables], float]
    least: float
    most: float
    deviation: str

    def check(self, tables: Tables) -> float:
        value = self.value(tables)
        assert self.least <= value <= self.most, f"{self}: {self.statistic} is {value:.4g}, not {self.least:g} to {self.most:g}"
        return value

    def __str__(self) -> str:
        return f"{self.column} against {self.against}"
