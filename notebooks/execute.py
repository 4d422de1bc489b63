"""Runs notebooks from their first cell to their last, in this environment, and says which cell failed. Nothing is written."""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def main(paths: list[str]) -> int:
    failed = 0
    for path in map(Path, paths):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        kept = [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]
        if kept:
            print(f"error: {path}: committed with outputs; clear them (they are made by running it)")
            failed += 1
            continue
        started = time.monotonic()
        try:
            NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
        except CellExecutionError as error:
            print(f"error: {path}: {error}")
            failed += 1
            continue
        outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        pictures = sum("image/png" in output.get("data", {}) for output in outputs)
        noise = [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]
        if noise:
            print(f"error: {path}: warns: {noise[0]}")
            failed += 1
            continue
        print(f"{path}: {len(notebook.cells)} cells, {pictures} pictures, {time.monotonic() - started:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
