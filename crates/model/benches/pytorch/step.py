"""The same training step in plain PyTorch, as a competent researcher would write it: vectorized over trajectories, W evaluated
for every trajectory and step, all pairs of states at once (on a CPU in chunks of 512 rows where the matrix is large), autograd, fused
AdamW.

Answers on standard output, one JSON line per line of standard input: `step FILE` takes a problem from a safetensors file, and every
`go [COUNT]` runs one step of it, or COUNT in a row: forward and backward of each accumulated batch, which is the same one every time,
clipping, update. Needs nothing but torch.

    python step.py --threads 2
    python step.py --threads 8 --device cuda --tf32
"""

import argparse
import json
import resource
import struct
import sys
import time

import torch
from torch import nn

FULL_MATRIX_STATES = 2048
CHUNK_ROWS = 512


def norm_relu(z):
    y = torch.relu(z)
    return y / (y.norm(dim=-1, keepdim=True) + 1e-8)


class Network(nn.Module):
    def __init__(self, tensors, layers):
        super().__init__()
        self.g0 = nn.Parameter(tensors["g0_raw"].clone())
        modules = []
        for number in range(layers):
            weight, bias = tensors[f"mlp.{number}.weight"], tensors[f"mlp.{number}.bias"]
            linear = nn.Linear(weight.shape[1], weight.shape[0])
            with torch.no_grad():
                linear.weight.copy_(weight)
                linear.bias.copy_(bias)
            modules += [linear] if number == layers - 1 else [linear, nn.ReLU()]
        self.mlp = nn.Sequential(*modules)

    def forward(self, v):
        """Velocities (B, T, 2) to states (B, T, N) and the state before the first (N)."""
        batch, length, _ = v.shape
        n = self.g0.shape[0]
        w = self.mlp(v).view(batch, length, n, n)
        start = norm_relu(self.g0)
        g, states = start.expand(batch, n), []
        for t in range(length):
            g = norm_relu(torch.bmm(w[:, t], g.unsqueeze(-1)).squeeze(-1))
            states.append(g)
        return torch.stack(states, 1), start


def losses(network, v, settings):
    states, start = network(v)
    batch, length, n = states.shape
    g = states.reshape(-1, n)
    x = v.cumsum(1).reshape(-1, 2)
    sigma_x, sigma_g = settings["sigma_x_m"], settings["sigma_g"]
    squared_norm = (g * g).sum(1)
    # A GPU has the memory for the whole matrix, and is faster with it.
    rows = len(g) if g.is_cuda or len(g) <= FULL_MATRIX_STATES else CHUNK_ROWS
    separation = invariance = 0.0
    far_pairs = near_pairs = 0
    for first in range(0, len(g), rows):
        own = slice(first, first + rows)
        with torch.no_grad():
            distance = torch.cdist(x[own], x, compute_mode="donot_use_mm_for_euclid_dist")
            far, near = distance > sigma_x, distance < sigma_x
            far_pairs, near_pairs = far_pairs + far.sum(), near_pairs + near.sum()
        squared = squared_norm[own, None] + squared_norm[None, :] - 2 * g[own] @ g.T
        separation = separation + (torch.exp(squared / (-2 * sigma_g**2)) * far).sum()
        invariance = invariance + (squared * near).sum()
    separation, invariance = separation / far_pairs, invariance / near_pairs
    capacity = -(g.mean(0) ** 2).sum()
    before = torch.cat([start.expand(batch, 1, n), states[:, :-1]], 1)
    speed = v.norm(dim=-1)
    slow = (speed > 0) & (speed < sigma_x)
    ratio = (states - before)[slow].norm(dim=-1) / speed[slow]
    conformal = ratio.var(unbiased=False) if len(ratio) > 1 else torch.zeros((), device=g.device)
    total = (
        settings["lambda_sep"] * separation
        + settings["lambda_inv"] * invariance
        + settings["lambda_cap"] * capacity
        + settings["lambda_coniso"] * conformal
    )
    return total, [separation, invariance, capacity, conformal]


def read_safetensors(path):
    """Tensors by name and the metadata of a file of 32-bit numbers: a length, a header in JSON, and the bytes."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        dtype = {"F32": torch.float32, "U32": torch.int32}[entry["dtype"]]
        first, end = entry["data_offsets"]
        flat = torch.frombuffer(data, dtype=dtype, offset=first, count=(end - first) // 4)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, metadata


class Problem:
    def __init__(self, path, device):
        tensors, metadata = read_safetensors(path)
        tensors = {name: tensor.to(device) for name, tensor in tensors.items()}
        self.device = device
        self.settings = json.loads(metadata["settings"])
        self.v = tensors["velocities"][tensors["index"].long()]
        self.network = Network(tensors, self.settings["layers"]).to(device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=self.settings["learning_rate"], weight_decay=0.0, fused=True
        )

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        batches = self.settings.get("accumulate", 1)
        for _ in range(batches):
            total, parts = losses(self.network, self.v, self.settings)
            (total / batches).backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.settings["clip_norm"])
        self.optimizer.step()
        return total, parts, norm

    def run(self, count):
        self.wait()
        started = time.perf_counter()
        for _ in range(count):
            total, parts, norm = self.step()
        self.wait()
        seconds = (time.perf_counter() - started) / count
        return {
            "seconds": seconds,
            "total": total.item(),
            "losses": [part.item() for part in parts],
            "grad_norm": norm.item(),
            "peak_bytes": self.peak_bytes(),
        }

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def peak_bytes(self):
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:<number>")
    parser.add_argument("--tf32", action="store_true", help="matrix products in TF32, on a GPU")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_float32_matmul_precision("high" if arguments.tf32 else "highest")
    device = torch.device(arguments.device)
    if device.type == "cuda":
        torch.cuda.set_device(device.index or 0)
    problem = None
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "device": str(device)}), flush=True)
    for line in sys.stdin:
        command, _, rest = line.strip().partition(" ")
        if command == "step":
            problem = None
            problem = Problem(rest, device)
            print("{}", flush=True)
        else:
            print(json.dumps(problem.run(int(rest or 1))), flush=True)


main()
