"""CycleGAN with a pause in each iteration, so that a run is long enough to be killed in its middle.

The pause changes no number. Where `SLOW_LOG` names a folder, each iteration leaves its time and its
process there, in a file named after the GPU that it is on.
"""

import os
import time
from pathlib import Path

from replicate.methods.base import Batch, Losses, register
from replicate.methods.cyclegan import CycleGAN

ITERATIONS = 200
PAUSE = float(os.environ.get("SLOW_PAUSE", "0.1"))  # s


@register(paper="toy")
class Slow(CycleGAN):
    """What `check_cluster.py` trains."""

    VARIANTS = {"paper": {}}
    SMOKE = {**CycleGAN.SMOKE, "iterations": ITERATIONS}

    def step(self, batch: Batch) -> Losses:
        time.sleep(PAUSE)
        if log := os.environ.get("SLOW_LOG"):
            gpu = os.environ.get("CUDA_VISIBLE_DEVICES") or "none"
            with (Path(log) / gpu).open("a") as file:
                file.write(f"{time.time():.3f} {os.getpid()}\n")
        return super().step(batch)
