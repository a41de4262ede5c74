"""Where things are. Nothing here depends on the working directory.

`REPLICATE_DATA` moves downloads and packed arrays, `REPLICATE_RESULTS` what this machine trains.
Both are read at every call, so that a notebook, a test and the command line agree.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def data() -> Path:
    """The folder of downloaded (`raw/`) and packed (`packed/`) images; default `data/`."""
    return Path(os.environ.get("REPLICATE_DATA") or ROOT / "data").expanduser().resolve()


def results() -> Path:
    """The folder of what this machine trains; default `results/local`."""
    chosen = os.environ.get("REPLICATE_RESULTS") or ROOT / "results" / "local"
    return Path(chosen).expanduser().resolve()


def published() -> Path:
    """The folder of the committed records, tables, plots and notebooks."""
    return ROOT / "results" / "published"


def reported() -> Path:
    """The folder of the papers' printed tables, one TOML file a paper."""
    return ROOT / "data" / "reported"


def claims() -> Path:
    """The file of the papers' claims and of the runs that try them."""
    return ROOT / "data" / "claims.toml"


def quick() -> Path:
    """The file of the runs that `make replicate` trains."""
    return ROOT / "data" / "quick.toml"


def notebooks() -> Path:
    """The folder of the notebooks and, in `params/<budget>/`, of what papermill injects."""
    return ROOT / "notebooks"


def shown(path: Path) -> str:
    """The path as errors print it: from the project's root where it lies inside, else in full."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
