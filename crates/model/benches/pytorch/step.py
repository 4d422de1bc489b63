"""The same training step in plain PyTorch, as a competent researcher would write it: vectorized over trajectories, W evaluated
for every trajectory and step, all pairs of states at once (in chunks of 512 rows where the matrix is large), autograd, fused AdamW.

Answers on standard output, one JSON line per line of standard input: `step FILE` takes a problem from a safetensors file, and every
`go` runs one step of it: forward, backward, clipping, update.

    python step.py --threads 2
"""

import argparse
import json
import resource
import sys
import time

import torch
from safetensors import safe_open
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
    rows = len(g) if len(g) <= FULL_MATRIX_STATES else CHUNK_ROWS
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
    conformal = ratio.var(unbiased=False) if len(ratio) > 1 else torch.zeros(())
    total = (
        settings["lambda_sep"] * separation
        + settings["lambda_inv"] * invariance
        + settings["lambda_cap"] * capacity
        + settings["lambda_coniso"] * conformal
    )
    return total, [separation, invariance, capacity, conformal]


class Problem:
    def __init__(self, path):
        with safe_open(path, framework="pt") as file:
            self.settings = json.loads(file.metadata()["settings"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        self.v = tensors["velocities"][tensors["index"].long()]
        self.network = Network(tensors, self.settings["layers"])
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=self.settings["learning_rate"], weight_decay=0.0, fused=True
        )

    def step(self):
        started = time.perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        total, parts = losses(self.network, self.v, self.settings)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.settings["clip_norm"])
        self.optimizer.step()
        seconds = time.perf_counter() - started
        return {
            "seconds": seconds,
            "total": total.item(),
            "losses": [part.item() for part in parts],
            "grad_norm": norm.item(),
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    torch.set_num_threads(parser.parse_args().threads)
    problem = None
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        command, _, path = line.strip().partition(" ")
        if command == "step":
            problem = Problem(path)
            print("{}", flush=True)
        else:
            print(json.dumps(problem.step()), flush=True)


main()
