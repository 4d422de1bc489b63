"""Blocks of code in the documentation, run as they stand, and tables in it that follow from the code."""

import contextlib
import importlib.metadata
import io
import os
import re
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path

from lakes import Lake, Program
from readers import READERS, Duckdb, Polars, Pyarrow, brief
from schema import ROOT

READING = ROOT / "docs/reading.md"
# The others in which Python is shown.
PAGES = (ROOT / "README.md", ROOT / "docs/lake-schema.md")


def blocks(page: Path, language: str) -> list[tuple[str, int, str]]:
    """Heading, line number and text of each."""
    found, heading, begin, lines = [], "", None, []
    for number, line in enumerate(page.read_text().splitlines(), start=1):
        if begin is not None:
            if line == "```":
                found.append((heading, begin, "\n".join(lines)))
                begin = None
            else:
                lines.append(line)
        elif line == f"```{language}":
            begin, lines = number + 1, []
        elif line.startswith("## "):
            heading = line.removeprefix("## ")
    return found


def run_python(page: Path, lake: Lake, headings: Callable[[str], bool]) -> dict[str, object]:
    """Runs the blocks below such headings of a page, one after the other; returns what they have defined."""
    names: dict[str, object] = {}
    chosen = [(begin, text) for heading, begin, text in blocks(page, "python") if headings(heading)]
    assert chosen, f"{page}: no Python"
    with contextlib.chdir(lake.folder), contextlib.redirect_stdout(io.StringIO()):
        for begin, text in chosen:
            try:
                # After as many empty lines, so that errors have the page's line.
                exec(compile("\n" * (begin - 1) + text, str(page), "exec"), names)
            except Exception as error:
                lines = [step.lineno for step in traceback.extract_tb(error.__traceback__) if step.filename == str(page)]
                raise AssertionError(f"{page}:{lines[-1] if lines else begin}: {brief(error)}") from error
    return names


def run_shell(page: Path, lake: Lake, program: Program) -> None:
    tools = lake.folder / "bin"
    tools.mkdir(exist_ok=True)
    (tools / "gridlake").unlink(missing_ok=True)
    (tools / "gridlake").symlink_to(program.path.resolve())
    environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
    chosen = blocks(page, "sh")
    assert chosen, f"{page}: no shell"
    for _, begin, text in chosen:
        done = subprocess.run(["bash", "-euc", text], cwd=lake.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{page}:{begin}: exit code {done.returncode}: {done.stderr}"


def told(page: Path, kinds: set[str]) -> None:
    """The page shows the lines that the checks use, the versions that they ran with, and the types that they demand."""
    text = page.read_text()
    for reader in READERS:
        assert reader.line in text, f"{page} does not show {reader.line}"
    for package in ("polars", "pandas", "pyarrow", "duckdb"):
        version = importlib.metadata.version(package)
        assert re.search(rf"\b{package} {re.escape(version)}\b", text, re.IGNORECASE), f"{page} does not say that {package} is {version}"
    for row in types(kinds):
        assert row in text, f"{page} lacks this row of its table of types: {row}"


def types(kinds: set[str]) -> list[str]:
    """The rows of the table of types for such kinds of columns."""
    rows = []
    for kind in sorted(kinds):
        item = kind.removeprefix("list of ")
        by_polars, by_pyarrow, by_duckdb = (str(reader.kinds[item]) for reader in (Polars, Pyarrow, Duckdb))
        if item == kind:
            by_pandas = {"text": "str", "boolean": "bool"}.get(kind, kind)
            rows.append(f"| {kind} | `{by_polars}` | `{by_pandas}` | `{by_pyarrow}` | `{by_duckdb}` |")
        else:
            array = f"| {kind} | `Array({by_polars}, shape=(n,))` | `object`: an array in each row |"
            rows.append(f"{array} `fixed_size_list<{by_pyarrow}>[n]` | `{by_duckdb}[]` |")
    return rows
