"""Whether gridlake's numbers are those of other people's software. Called by .ci/oracles; README.md says what for."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import autocorrelograms
import grid_scores
import maps
import measures
import numpy as np
import population
import recordings
import speed
import waves
from compare import Near, Same
from lake import Program, Tables
from report import Report

# Python tools take at least so many times as long.
LEAST_RATIO = 20.0
STARTED = time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gridlake", type=Path, help="the program under test")
    parser.add_argument("--large", action="store_true", help="more and larger recordings")
    parser.add_argument("--bless", action="store_true", help="fill in the tables of docs/validation.md, from --large")
    options = parser.parse_args()
    if options.bless and not options.large:
        parser.error("--bless takes its numbers from --large")
    with tempfile.TemporaryDirectory(prefix="gridlake-oracles-") as folder:
        try:
            check(Program(options.gridlake.resolve()), Path(folder), options.large, options.bless)
        except AssertionError as error:
            sys.exit(f"error: oracles: {error}")


def check(program: Program, folder: Path, large: bool, bless: bool) -> None:
    report, wrong, lines, unwritten = Report(), [], [], set()
    for recording in recordings.large() if large else recordings.small():
        lake = program.bring(recording, folder / recording.name)
        program.analyze(recording, lake, "analyze", 199 if large else 99)
        say(f"{recording.name}: {len(recording.cells)} units, {recording.bins} × {recording.bins} bins, analyzed")
        tables, ratemaps = Tables(lake), maps.maps(recording)
        assert recording.hole == (not ratemaps.visited.all()), f"{recording.name}: {int((~ratemaps.visited).sum())} bins unvisited"
        found: list[Same | Near] = []
        for oracle in (maps.oracle, autocorrelograms.oracle, grid_scores.oracle, grid_scores.nulls, measures.oracle, waves.oracle, population.oracle):
            found += oracle(ratemaps)
        there = [one for one in found if written(one, tables)]
        unwritten |= {name(one) for one in found} - {name(one) for one in there}
        passed = []
        for one in there:
            try:
                if isinstance(one, Same):
                    report.add_same(one, *one.check(tables))
                else:
                    report.add_near(one, one.check(tables))
                passed.append(one)
            except AssertionError as error:
                wrong.append(f"{recording.name}: {error}")
        say(f"{recording.name}: {len(passed)} of {len(there)} comparisons hold")
        wrong += altered(tables, passed, folder / recording.name)
        if large or recording.name == "smoothed":
            line, ratio = speed.compare(program, ratemaps, lake, 199 if large else 99, 24 if large else 9)
            lines.append(line)
            say(line)
            null = speed.null_distributions(ratemaps, lake, 4 if large else 1)
            report.add_near(null, null.value(tables))
            try:
                null.check(tables)
            except AssertionError as error:
                wrong.append(f"{recording.name}: {error}")
            if ratio < LEAST_RATIO:
                wrong.append(f"{line}; {LEAST_RATIO:g} times are asserted")
    print(report.text(lines))
    if unwritten:
        wrong.append(f"this program does not write {', '.join(sorted(unwritten))}")
    assert not wrong, "\n  ".join([f"{len(wrong)} comparisons fail:", *wrong])
    if bless:
        report.bless(lines)


def name(one: Same | Near) -> str:
    return f"{one.table}.{one.column}" if isinstance(one, Same) else one.column


def written(one: Same | Near, tables: Tables) -> bool:
    if isinstance(one, Near):
        return tables.has("units", one.column) or "…" in one.column
    needs_modules = one.table == "modules" or one.column.startswith("phase")
    return tables.has(one.table, one.column) and (not needs_modules or tables.has("modules", "kx1"))


def altered(tables: Tables, passed: list[Same | Near], folder: Path) -> list[str]:
    """A wrong number must be found: the middle one of each compared column, by ten tolerances."""
    blind = []
    for number, one in enumerate(one for one in passed if isinstance(one, Same)):
        rows = slice(None) if one.rows is None else (one.rows(tables) if callable(one.rows) else one.rows)
        places = np.zeros(tables(one.table, one.column).shape, dtype=bool)
        places[rows] = True
        if one.ignore is not None:
            places &= ~one.ignore
        places &= np.isfinite(tables(one.table, one.column))
        if not places.any():
            continue
        at = tuple(np.argwhere(places)[places.sum() // 2])
        by = 10 * np.broadcast_to(one.tolerance, places.shape)[at]

        def change(values: np.ndarray) -> None:
            values[at] += max(by * abs(values[at]), 1e-300) if one.relative else by

        try:
            one.check(tables.alter(one.table, one.column, change, folder / f"altered-{number}"))
            blind.append(f"{one}: an altered number was not found")
        except AssertionError:
            pass
    say(f"{sum(isinstance(one, Same) for one in passed)} altered numbers: {'all found' if not blind else blind}")
    return blind


def say(what: str) -> None:
    print(f"oracles: {what} ({time.monotonic() - STARTED:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
