"""Feature extraction against torch-fidelity, and its memory: `python benchmarks/extraction.py`.

Both run the same made-up weights on the same images, one thread, in turns; seconds are CPU time,
a ratio is the median over the rounds of their seconds divided by ours. Memory is the peak of a
process that reads a folder of PNG files of 256 px from first to last. `--quick` takes fewer
rounds and images.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.inception import weights_file  # noqa: E402

from replicate import repro  # noqa: E402
from replicate.metrics.features import features  # noqa: E402
from replicate.metrics.images import Folder  # noqa: E402
from replicate.metrics.inception import Inception  # noqa: E402

SIDE = 256  # px


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peak:
        return peak(*map(Path, given.peak))
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        weights = weights_file(Path(name))
        rounds = 2 if given.quick else 5
        for batch in (16,) if given.quick else (16, 64):
            speed(weights, batch, rounds)
        half_precision(weights, rounds)
        for count in (50, 200) if given.quick else (500, 2000):
            memory(Path(name), weights, count)


def speed(weights: Path, batch: int, rounds: int) -> None:
    """Images a second of both extractors, fp32, and their ratio."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    reference = FeatureExtractorInceptionV3(
        "reference", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(weights)
    )
    extractor, given = Inception(weights=weights), images(batch)
    tensor = torch.from_numpy(given).permute(0, 3, 1, 2).contiguous()
    with torch.inference_mode():
        theirs, ours = in_turns(rounds, lambda: reference(tensor), lambda: extractor(given), batch)
    print(f"fp32, batch {batch}: {ours}; torch-fidelity {theirs}")


def half_precision(weights: Path, rounds: int) -> None:
    """The same for bf16 against fp32, where the CPU is made for it."""
    if not repro.matrix_units():
        print("bf16: not measured, this CPU has no matrix units")
        return
    given = images(16)
    whole, half = (Inception(weights=weights, precision=p) for p in ("fp32", "bf16"))
    print("bf16 against fp32:", *in_turns(rounds, lambda: whole(given), lambda: half(given), 16))


def in_turns(
    rounds: int, first: Callable[[], object], second: Callable[[], object], batch: int
) -> tuple[str, str]:
    """What to print of two ways to extract one batch; the second with the ratio."""
    times: list[list[float]] = []
    for _ in range(rounds + 1):
        times.append([])
        for way in (first, second):
            start = time.process_time()
            way()
            times[-1].append(time.process_time() - start)
    times = times[1:]  # the first round builds and warms up
    ratios = [a / b for a, b in times]
    rates = [batch / statistics.median(column) for column in zip(*times, strict=True)]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return (
        f"{rates[0]:.2f} images/s",
        f"{rates[1]:.2f} images/s, ratio {statistics.median(ratios):.2f} ({spread})",
    )


def memory(folder: Path, weights: Path, count: int) -> None:
    """The peak memory of a process that extracts a folder of that many images."""
    target = folder / str(count)
    target.mkdir()
    picture = images(1)[0]
    for i in range(count):
        Image.fromarray(np.roll(picture, i, axis=1)).save(target / f"{i:04}.png", compress_level=1)
    command = [sys.executable, __file__, "--peak", str(target), str(weights)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    print(f"{count} images: {found.strip()}")


def peak(folder: Path, weights: Path) -> None:
    found = features(Folder(folder), Inception(weights=weights))
    kept = sum(part.nbytes for part in found) / 1e6
    # Not getrusage: its peak is inherited from the process that started this one.
    status = Path("/proc/self/status").read_text()
    used = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1e3
    print(f"peak {used:.0f} MB, of which {kept:.0f} MB are the features")


def images(n: int) -> np.ndarray:
    """Smooth random colours with some noise, (n, 256, 256, 3) uint8."""
    rng = np.random.default_rng(0)
    made = np.kron(rng.uniform(0, 255, (n, 16, 16, 3)), np.ones((1, SIDE // 16, SIDE // 16, 1)))
    return (made + rng.normal(0, 4, made.shape)).clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
