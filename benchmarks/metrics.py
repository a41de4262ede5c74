"""KID and FID from features against torch-fidelity and torchmetrics: ratios, values, memory.

    python benchmarks/metrics.py [--quick] [--full]

Prints Markdown tables. Both sides get the same float32 features and one thread, and take turns;
times are processor time, so that waiting on a busy machine does not count. `benchmarks/README.md`
holds a run.
"""

import argparse
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from replicate.metrics.fid import fid
from replicate.metrics.kid import kid, kid_blocks, kid_subsets

WIDTH = 2048
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Pair(NamedTuple):
    """What is timed against what; both return one number."""

    name: str
    ours: Callable[[], float]
    theirs: Callable[[], float]


def made_up(n: int, shift: float, seed: int) -> np.ndarray:
    """(n, 2048) float32 features, at least 0 with mean 0.4 and 32 common directions."""
    rng, fixed = np.random.default_rng(seed), np.random.default_rng(9)
    mixing = 0.1 * fixed.normal(size=(32, WIDTH)).astype(np.float32)
    centre = (0.25 + shift * fixed.normal(size=WIDTH)).astype(np.float32)
    features = np.empty((n, WIDTH), np.float32)
    for start in range(0, n, 1000):  # in place: the memory measured must be the metrics'
        part = features[start : start + 1000]
        rng.standard_normal(out=part, dtype=np.float32)
        part *= 0.3
        part += rng.standard_normal((len(part), 32), np.float32) @ mixing + centre
        np.maximum(part, 0, out=part)
    return features


def pairs(x: np.ndarray, y: np.ndarray) -> list[Pair]:
    """All comparisons whose other side is installed."""
    found = [Pair("KID subsets / torch-fidelity", lambda: _subsets(x, y), _kid_fidelity(x, y))]
    if find_spec("torchmetrics"):
        name = "KID subsets / torchmetrics (other draws)"
        found.append(Pair(name, lambda: _subsets(x, y), _kid_torchmetrics(x, y)))
    for n in (120, 2000, 5000):
        ours, theirs = _fid_pair(x[:n], y[:n])
        found.append(Pair(f"FID / torch-fidelity, n = {n}", ours, theirs))
    return found


def compared(pair: Pair, repeats: int) -> str:
    """The row of a pair: least and median ratio, median times, relative difference of values."""
    ratios, times = [], []
    for _ in range(repeats):
        ours, our_value = _timed(pair.ours)
        theirs, their_value = _timed(pair.theirs)
        ratios.append(theirs / ours)
        times.append((ours, theirs))
    seconds, other_seconds = np.median(times, axis=0)
    cells = (
        pair.name,
        f"{min(ratios):.2f}",
        f"{np.median(ratios):.2f}",
        f"{seconds:.3f} s",
        f"{other_seconds:.2f} s",
        f"{abs(our_value / their_value - 1):.0e}",
    )
    return f"| {' | '.join(cells)} |"


def memory(n: int, full: bool) -> None:
    """Prints seconds of each metric on n made-up features a set, and this process's peak memory."""
    x, y = made_up(n, 0.0, seed=0), made_up(n, 0.02, seed=1)
    inputs = (x.nbytes + y.nbytes) / 1e9
    metrics = {"FID": fid, "KID in 100 subsets of 1000": lambda a, b: kid_subsets(a, b, 1000)}
    metrics["KID in blocks of 10"] = kid_blocks
    if full:
        metrics["full-sample KID"] = kid
    print(f"\nPeak memory at {n} features a set, of which {inputs:.2f} GB are the features:\n")
    print("| after | processor seconds | peak |\n|---|---|---|")
    for name, metric in metrics.items():
        seconds, _ = _timed(lambda metric=metric: metric(x, y))
        print(f"| {name} | {seconds:.0f} | {_peak():.2f} GB |", flush=True)


def main() -> None:
    """Runs what the command line asks for, in a process with one thread."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one repeat; memory at 5,000 features")
    parser.add_argument("--full", action="store_true", help="full-sample KID too, about 20 TFLOP")
    parser.add_argument("--memory", type=int, metavar="N", help="only the memory part, at N")
    args = parser.parse_args()
    if ONE_THREAD.items() - os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    if args.memory:
        memory(args.memory, args.full)
        return
    x, y = made_up(5000, 0.0, seed=0), made_up(5000, 0.02, seed=1)
    print("| what / against | least ratio | median ratio | ours | theirs | values differ by |")
    print("|---|---|---|---|---|---|")
    for pair in pairs(x, y):
        print(compared(pair, repeats=1 if args.quick else 3), flush=True)
    # A process of its own, so that the peak is not that of the libraries above.
    command = [sys.executable, __file__, "--memory", "5000" if args.quick else "50000"]
    subprocess.run(command + ["--full"] * args.full, check=True)


def _subsets(x: np.ndarray, y: np.ndarray) -> float:
    return kid_subsets(x, y, subset_size=1000)[0]


def _kid_fidelity(x: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    import torch
    from torch_fidelity.metric_kid import kid_features_to_metric

    a, b = torch.from_numpy(x), torch.from_numpy(y)
    options = {"kid_subsets": 100, "kid_subset_size": 1000, "rng_seed": 2020, "verbose": False}
    return lambda: kid_features_to_metric(a, b, **options)["kernel_inception_distance_mean"]


def _kid_torchmetrics(x: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    import torch
    from torchmetrics.image.kid import KernelInceptionDistance

    def measure() -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it keeps all features
            metric = KernelInceptionDistance(torch.nn.Identity(), subsets=100, subset_size=1000)
        metric.update(torch.from_numpy(y), real=True)
        metric.update(torch.from_numpy(x), real=False)
        return float(metric.compute()[0])

    return measure


def _fid_pair(x: np.ndarray, y: np.ndarray) -> tuple[Callable[[], float], Callable[[], float]]:
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    def theirs() -> float:
        statistics = [fid_features_to_statistics(torch.from_numpy(each)) for each in (x, y)]
        return fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]

    return lambda: fid(x, y), theirs


def _timed(measure: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()
    value = measure()
    return time.process_time() - start, value


def _peak() -> float:
    """Peak resident memory of this process in GB; Linux."""
    # getrusage would carry over the peak of the process that started this one.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e9


if __name__ == "__main__":
    main()
