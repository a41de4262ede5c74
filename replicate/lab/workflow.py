"""A notebook's runs as a Snakemake workflow: what is asked for, and how Snakemake is called."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from replicate import paths
from replicate.documents import Document, read_yaml
from replicate.errors import ReplicateError, unknown
from replicate.lab.notebook_parameters import BY_DATASET, Asked, checked, seeds_of


def asked(
    notebook: str, budget: str, seeds: str = "", datasets: str = "", folder: Path | None = None
) -> Asked:
    """The parameters in notebooks/params/<budget>/<notebook>.yaml, with other seeds or sets.

    Args:
        folder: that of the file, in place of notebooks/params/<budget>.

    Raises:
        ReplicateError: the notebook takes no seeds, or one data set only.
    """
    known = {p.stem for p in (paths.notebooks() / "params").glob("*/*.yaml")}
    if notebook not in known:
        raise unknown("notebook", notebook, known)
    read = read_params(notebook, budget, folder)
    params = checked(read, notebook)  # the file as it is, so that its errors name their line
    if not (seeds or datasets):
        return params
    values = dict(read)
    if seeds:
        _check_takes("seeds", seeds, notebook, values)
        values["seeds"] = seeds_of(seeds)
        values.pop("five_seeds", None)  # the seeds that are asked for are all
    if datasets and "dataset" in values and "," not in datasets:
        values["dataset"] = datasets.strip()
    elif datasets:
        _check_takes("datasets", datasets, notebook, values)
        values["datasets"] = [d.strip() for d in datasets.split(",")]
        for field in BY_DATASET:
            if more := values.get(field):
                values[field] = {
                    d: [m for m in more[d] if field == "five_seeds" or m not in values["methods"]]
                    for d in values["datasets"]
                    if d in more
                }
    return checked(values, notebook)


def _check_takes(option: str, value: str, notebook: str, values: dict) -> None:
    if option not in values:
        raise ReplicateError(
            f"--{option} {value}: {notebook} takes no list of {option}, its parameters are "
            f"{', '.join(sorted(values))}; leave --{option} out"
            + (", or name one data set" if option == "datasets" else "")
        )


def read_params(notebook: str, budget: str, folder: Path | None = None) -> Document:
    """The content of a parameter file, of the budget or of another folder.

    Raises:
        ReplicateError: there is no such file, or it holds no parameters.
    """
    place = folder or paths.notebooks() / "params" / budget
    if not place.is_dir() and not folder:
        raise unknown("budget", budget, [p.name for p in place.parent.iterdir()])
    return read_yaml(place / f"{notebook}.yaml")


def snakemake(file: str, folder: Path, words: Sequence[str], **config: Path) -> list[str]:
    """A call of Snakemake that works in `folder`, whatever characters its path holds.

    Args:
        file: the Snakefile, from the project's root.
        words: further arguments.
        config: files below `folder` whose places there the Snakefile finds in `config`. They go by
            those places, because Snakemake reads a value as YAML, which " #" or ": " would break.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(paths.ROOT / file)]
    places = [f"{name}={path.relative_to(folder).as_posix()}" for name, path in config.items()]
    return [
        *command,
        "--directory",
        str(folder),
        *words,
        *(["--config", *places] if places else []),
    ]


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
