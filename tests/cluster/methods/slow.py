"""CycleGAN that goes slowly in the middle of a run for as long as somebody wants to kill it there.

Where `SLOW_LOG` names a folder, each iteration leaves its time and its process there, in a file
named after the GPU that it is on; while that folder holds a file `hold`, all iterations of a
process but the first take four seconds. That changes no number.
"""

import os
import time
from pathlib import Path

from replicate.methods.base import Batch, Losses, register
from replicate.methods.cyclegan import CycleGAN

ITERATIONS = 80
FIRST = 10  # at full speed
LOG = os.environ.get("SLOW_LOG")


@register(paper="toy")
class Slow(CycleGAN):
    """What `check_cluster.py` trains."""

    VARIANTS = {"paper": {}}
    SMOKE = {**CycleGAN.SMOKE, "iterations": ITERATIONS}
    steps = 0  # of this process

    def step(self, batch: Batch) -> Losses:
        self.steps += 1
        if LOG:
            with (Path(LOG) / (os.environ.get("CUDA_VISIBLE_DEVICES") or "none")).open("a") as file:
                file.write(f"{time.time():.3f} {os.getpid()}\n")
            if self.steps > FIRST and (Path(LOG) / "hold").exists():
                time.sleep(4)
        return super().step(batch)
