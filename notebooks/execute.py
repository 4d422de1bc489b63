"""Runs notebooks from their first cell to their last, in this environment, and says which cell failed or warned. GRIDLAKE_SHOTS=FOLDER keeps their pictures.

Where tests/notebooks has a script of a notebook's name, it is run as that notebook's last cell: it asserts about what the notebook left in its variables."""

import base64
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def main(paths: list[str]) -> int:
    # As in an editor: pictures are shown below their cells.
    os.environ.pop("MPLBACKEND", None)
    failed = 0
    for path in map(Path, paths):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        kept = [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]
        if kept:
            print(f"error: {path}: committed with outputs; clear them (they are made by running it)")
            failed += 1
            continue
        check = path.resolve().parent.parent / "tests/notebooks" / f"{path.stem}.py"
        if check.exists():
            notebook.cells.append(nbformat.v4.new_code_cell(check.read_text(encoding="utf-8")))
        started = time.monotonic()
        try:
            folder = {"metadata": {"path": str(path.parent)}}
            NotebookClient(notebook, timeout=300, kernel_name="python3", resources=folder).execute()
        except CellExecutionError as error:
            print(f"error: {path}: {error}")
            failed += 1
            continue
        outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        pictures = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
        if shots := os.environ.get("GRIDLAKE_SHOTS"):
            Path(shots).mkdir(parents=True, exist_ok=True)
            for number, picture in enumerate(pictures):
                (Path(shots) / f"{path.stem}-{number}.png").write_bytes(base64.b64decode(picture))
        noise = [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]
        if noise:
            print(f"error: {path}: warns: {noise[0]}")
            failed += 1
            continue
        if not pictures:
            print(f"error: {path}: shows no picture")
            failed += 1
            continue
        print(f"{path}: {len(notebook.cells)} cells, {len(pictures)} pictures, {time.monotonic() - started:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
