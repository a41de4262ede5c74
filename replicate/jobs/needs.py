"""The memory and time that a run asks of a cluster."""

from replicate.experiment.run import Run

# MB and minutes where nothing was measured. A job that is larger or longer is raised at its next
# try and goes on from its checkpoint.
UNKNOWN = {"smoke": (3000, 20), "laptop": (4000, 60), "paper": (32000, 24 * 60)}


def needs(run: Run, device: str) -> dict[str, int]:
    """`mem_mb` of the host and `minutes`, from the run's preflight or a default of its budget."""
    memory, minutes = UNKNOWN[run.budget]
    return {"mem_mb": memory, "minutes": minutes}
