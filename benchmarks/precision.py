"""A training step in bfloat16 against float32 on this CPU: the ratio behind `repro.bf16_pays`.

    OMP_NUM_THREADS=1 python benchmarks/precision.py [--repeats 5]

One forward and backward pass of a generator and a discriminator of budget laptop's size for
photographs, 64 px, batch 1, in turns; processor seconds, the least of the repeats.
"""

import argparse
import time

import torch

from replicate import repro
from replicate.networks.discriminators import PatchDiscriminator
from replicate.networks.generators import ResnetGenerator

STEPS = 20  # of each turn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    G, D, x = ResnetGenerator(24, 6), PatchDiscriminator(3, 64, 2), torch.randn(1, 3, 64, 64)

    def seconds(low: bool) -> float:
        start = time.process_time()
        for _ in range(STEPS):
            with torch.autocast("cpu", torch.bfloat16, enabled=low):
                loss = D(G(x)).float().square().mean()
            loss.backward()
        return (time.process_time() - start) / STEPS

    seconds(True), seconds(False)  # kernels are made at the first call
    turns = [(seconds(False), seconds(True)) for _ in range(repeats)]
    plain, low = (min(turn) for turn in zip(*turns, strict=True))
    cpu = getattr(torch.cpu, "get_capabilities", dict)().get("cpu_name", "an unknown CPU")
    print(f"{cpu}: fp32 {plain:.4f} s, bf16 {low:.4f} s a step, fp32 / bf16 {plain / low:.2f}")
    print(f"laptop runs here take {'bf16' if repro.bf16_pays() else 'fp32'}")


if __name__ == "__main__":
    main()
