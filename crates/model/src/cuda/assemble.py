"""Assembles the kernels into PTX (ptx/) with NVRTC, so that gridlake needs no CUDA toolkit to build or to run.

    python -m pip install --no-deps nvidia-cuda-nvrtc-cu12==12.2.140     # any machine; no GPU needed
    python crates/model/src/cuda/assemble.py            # writes ptx/
    python crates/model/src/cuda/assemble.py --check    # only says whether ptx/ is what the sources give

NVRTC 12.2 writes PTX of version 8.2, which every driver since 535 (2023) takes; the driver turns it into the code of its GPU when gridlake starts, and keeps
that. compute_80 is the least that has all instructions in use (TF32 on tensor cores, copies from global to shared memory).
"""

import argparse
import ctypes
import importlib.util
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
PTX = HERE / "ptx"
PAIRS = HERE.parent / "ops" / "pair_losses" / "kernel.cu"
OPTIONS = ["--gpu-architecture=compute_80", "--std=c++17", "--diag-suppress=1556"]

# (module, source, definitions): the sweep over pairs has a module for each number of rows of a tile and of units.
MODULES = [("kernels", HERE / "kernels.cu", [])] + [
    (f"pair_sweep_{rows}_{units}", PAIRS, [f"-DPAIR_ROWS={rows}", f"-DPAIR_UNITS={units}"]) for rows in (64, 128) for units in (64, 96, 128)
]


def library():
    try:
        found = importlib.util.find_spec("nvidia.cuda_nvrtc")
    except ModuleNotFoundError:
        found = None
    if found is None:
        sys.exit("error: NVRTC is not installed\nhint: python -m pip install --no-deps nvidia-cuda-nvrtc-cu12==12.2.140")
    return ctypes.CDLL(str(pathlib.Path(found.submodule_search_locations[0]) / "lib" / "libnvrtc.so.12"))


def flatten(path, seen):
    """The source with its includes in place, each once."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        include = re.fullmatch(r'#include "(.+)"', line)
        if line == "#pragma once":
            continue
        if not include:
            lines.append(line)
            continue
        inner = (path.parent / include.group(1)).resolve()
        if inner not in seen:
            seen.add(inner)
            lines += flatten(inner, seen)
    return lines


def assemble(nvrtc, name, path, definitions):
    source = "\n".join(flatten(path, set())).encode()
    program = ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source, f"{name}.cu".encode(), 0, None, None)
    given = [option.encode() for option in OPTIONS + definitions]
    options = (ctypes.c_char_p * len(given))(*given)
    failed = nvrtc.nvrtcCompileProgram(program, len(given), options)
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    if failed or log.value.strip():
        print(log.value.decode(), file=sys.stderr)
    if failed:
        sys.exit(f"error: {path} does not compile")
    nvrtc.nvrtcGetPTXSize(program, ctypes.byref(size))
    ptx = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetPTX(program, ptx)
    # Without the compiler's header of its own build number, blank lines and trailing blanks.
    lines = [line.rstrip() for line in ptx.value.decode().splitlines() if line.strip() and not line.startswith("//")]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    nvrtc = library()
    PTX.mkdir(exist_ok=True)
    for name, source, definitions in MODULES:
        ptx, path = assemble(nvrtc, name, source, definitions), PTX / f"{name}.ptx"
        if not check:
            path.write_text(ptx, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != ptx:
            sys.exit(f"error: {path} is not what {source} gives\nhint: python crates/model/src/cuda/assemble.py")


main()
