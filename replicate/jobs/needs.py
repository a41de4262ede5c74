"""The memory and time that a run asks of a cluster."""

import math

from replicate.experiment.preflight import estimate
from replicate.experiment.run import Run

# MB and minutes where nothing was measured. A job that is larger or longer is raised at its next
# try and goes on from its checkpoint.
UNKNOWN = {"smoke": (3000, 20), "laptop": (4000, 60), "paper": (32000, 24 * 60)}
SPARE = 1.25  # of memory and time: a preflight sees two steps and eight images


def needs(run: Run, device: str) -> dict[str, int]:
    """`mem_mb` of the host and `minutes`, from the run's preflight or a default of its budget."""
    memory, minutes = UNKNOWN[run.budget]
    if (measured := estimate(run, device)) is not None:
        found = math.ceil(SPARE * measured.host_memory_mb)
        memory = max(memory, found) if measured.on_disk else found
        if measured.hours is not None:
            minutes = math.ceil(SPARE * 60 * measured.hours) + 5  # to start and to draw
    return {"mem_mb": memory, "minutes": minutes}
