"""The memory and time that a run asks of a cluster."""

from replicate.experiment.preflight import estimate
from replicate.experiment.run import Run

# MB and minutes where nothing was measured. A job that is larger or longer asks for half as much
# again at its next try, and goes on from its checkpoint.
UNKNOWN = {"smoke": (3000, 20), "laptop": (4000, 60), "paper": (32000, 24 * 60)}
BESIDE = 2000  # MB of the notebook's figures, papermill and the Snakemake around them
MARGIN = 1.25  # of memory: the system's own, which no two machines have alike
SLOWER = 1.5  # of time: a node that is shared, or older
STARTING = 15  # minutes


def needs(run: Run, device: str) -> dict[str, int]:
    """`mem_mb` of the host and `minutes`, from the run's preflight or a default of its budget."""
    memory, minutes = UNKNOWN[run.budget]
    if found := estimate(run, device):
        measured = MARGIN * found.host_memory_mb + BESIDE
        memory = max(memory, measured) if found.on_disk else measured
        minutes = SLOWER * found.hours * 60 + STARTING if found.hours is not None else minutes
    return {"mem_mb": round(memory), "minutes": round(minutes)}
