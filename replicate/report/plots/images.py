"""Translations of the first test images: at the end, and on the way there."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import numpy as np

from replicate import sentences
from replicate.datasets import captions, directions, packed
from replicate.datasets.packed import ImageSet
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.evaluation import TILES, in_words
from replicate.images import read
from replicate.lab.recorded import Recorded, command
from replicate.lab.run import Run
from replicate.methods import METHODS
from replicate.methods.base import DIRECTIONS
from replicate.records import SHEET
from replicate.report.plots import matrices
from replicate.report.plots.matrices import Row
from replicate.report.plots.picture import Picture, name_of, sheet, written
from replicate.report.tables.catalogue import method_order
from replicate.report.tables.show import Album

HALF = TILES // 2
SMALL = 64  # px of a tile in a sheet of records
PUBLISHED = 3  # images of each direction in a sheet of records, one less where there are several
# More make a notebook too large to open.
MOMENTS = 3  # of those saved
MANY = 8  # methods of a data set, or blocks; with more, half as many images, one moment less


def translations(runs: Iterable[Run], columns: int = 8, seed: int | None = None) -> Picture | Album:
    """Input, ideal or truth where known, then each method's translation and attention map.

    Args:
        runs: those of `seed` that are scored are shown, a block for each data set and direction.
            Where no run is on this machine, their published sheets are shown, a picture a data set.
        columns: test images in a row, the first of the split; half of them for many methods.
        seed: one is shown, because a sheet of all is too tall to read; None: the first run's.

    Returns:
        Of a set of more than two domains a matrix for each method: a line for an input of each
        domain, a column for each domain that it becomes.

    Raises:
        ReplicateError: no such run has translations.
    """
    runs = list(runs)
    local = [run for run in runs if not isinstance(run, Recorded)]
    if runs and not local:
        return _published(runs, seed)
    chosen = _of_seed(local, seed, "outputs")
    blocks = []
    for dataset, size in dict.fromkeys((run.dataset, run.config.scored_size) for run in chosen):
        images = packed.load(dataset, "test", size)
        peers = [r for r in chosen if (r.dataset, r.config.scored_size) == (dataset, size)]
        shown = columns if len(peers) <= MANY else columns // 2
        if labels := spec(dataset).labels:
            blocks += [matrices.of_run(run, images, labels, shown) for run in peers]
            continue
        for direction in DIRECTIONS:
            rows = _known(images, direction[0], shown)
            for run in peers:
                rows += _made(run, images, direction, shown)
            blocks.append((f"{dataset}, {in_words(direction, images)}, seed {peers[0].seed}", rows))
    return sheet(blocks)


def _published(runs: list[Run], seed: int | None) -> Album:
    """The sheets of translations in the records of runs that are not on this machine."""
    from replicate.report.plots.records import Kept, gallery

    pictures, datasets = [], list(dict.fromkeys(run.dataset for run in runs))
    images = PUBLISHED if len(datasets) == 1 else PUBLISHED - 1
    for dataset in datasets:
        peers = [
            Kept(run.folder, run.method, run.label, run.dataset, run.seed)
            for run in runs
            if run.dataset == dataset and (run.folder / SHEET).is_file()
        ]
        pictures += [gallery(peers, seed, images, SMALL)] if peers else []
    if not pictures:  # an installed wheel holds no pictures
        return Album(
            f"Pictures of the published records are in a checkout alone; {training(runs)}."
        )
    return Album(f"From the published records; {training(runs)}.", *pictures)


def training(runs: Iterable[Run]) -> str:
    """How the first of some runs is trained on this machine, in words."""
    run = next(iter(runs))
    return f"`{command(name_of(run), run.dataset, run.seed, run.budget)}` makes one here"


def progress(runs: Iterable[Run], seed: int | None = None) -> Picture | Album:
    """One line for each moment at which a run saved samples; both directions side by side.

    Args:
        runs: those of `seed` with samples are shown, a block each, but for variants with fewer
            seeds than others on their data set: `translations` shows these. Records have no
            samples: where no run is on this machine, a sentence says so.
        seed: one seed is shown; None: the first run's.

    Raises:
        ReplicateError: no such run has samples.
    """
    runs = list(runs)
    if runs and all(isinstance(run, Recorded) for run in runs):
        return Album(f"Samples on the way are kept where a run is trained; {training(runs)}.")
    runs = [run for run in runs if not isinstance(run, Recorded)]
    sets = groupby(sorted(runs, key=lambda run: run.dataset), key=lambda run: run.dataset)
    chosen = _of_seed([r for _, group in sets for r in with_most_seeds(group)], seed, "samples")
    size = (HALF, MOMENTS) if len(chosen) <= MANY else (HALF // 2, MOMENTS - 1)
    return sheet([_moments(run, *size) for run in chosen])


def with_most_seeds(runs: Iterable[Run], always: str = "") -> list[Run]:
    """The runs of METHOD[:VARIANT]s with as many seeds as any, and those of the method `always`."""
    runs = list(runs)
    seeds = Counter(name_of(run) for run in runs if run.method != always)
    most = max(seeds.values(), default=0)
    return [run for run in runs if run.method == always or seeds[name_of(run)] == most]


def _of_seed(runs: Iterable[Run], seed: int | None, folder: str) -> list[Run]:
    """The runs of one seed that have PNG files below a folder, in the order of tables."""
    runs = list(runs)
    if seed is None:
        seed = runs[0].seed if runs else 0
    chosen = [r for r in runs if r.seed == seed and any((r.folder / folder).rglob("*.png"))]
    if not chosen:
        raise ReplicateError(
            f"no run of seed {seed} has {folder} yet, expected one: train it, or name another seed"
        )
    return sorted(chosen, key=lambda run: (run.dataset, method_order(name_of(run))))


def _known(images: ImageSet, source: str, columns: int) -> list[Row]:
    rows = [("input", list(images.arrays[source][:columns])), *_prompts(images, source, columns)]
    if f"{source}_ideal" in images.arrays:
        rows.append(("ideal", list(images.arrays[f"{source}_ideal"][:columns])))
    elif images.paired:
        (target,) = {"A", "B"} - {source}
        rows.append(("truth", list(images.arrays[target][:columns])))
    return rows


def _prompts(images: ImageSet, source: str, columns: int) -> list[Row]:
    """The sentences that methods of sentences are given, where the set has some."""
    if f"{source}_caption" not in images.arrays:
        return []
    texts = captions.decode(sentences.prompts(images, source)[:columns])
    return [("sentence", [written(text) for text in texts])]


def _made(run: Run, images: ImageSet, direction: str, columns: int) -> list[Row]:
    """A run's translations, and under them its attention maps if it has any.

    White where a one-way method has none of this direction.
    """
    if direction not in METHODS[run.method].directions_of(asdict(run.config)):
        white = np.full((images.size, images.size, 3), 255, np.uint8)
        return [(f"{name_of(run)} (one-way)", [white] * columns)]
    folder = run.folder / "outputs" / in_words(direction, images).replace("->", "2")
    files = [f"{Path(name).stem}.png" for name in images.names[direction[0]][:columns]]
    rows = [(name_of(run), [read(folder / name) for name in files])]
    if (folder / "attention").is_dir():
        rows.append(("  attention", [read(folder / "attention" / name) for name in files]))
    return rows


def _moments(run: Run, images: int, moments: int) -> tuple[str, list[Row]]:
    """A heading and a line of translations, and of maps, for each saved sheet."""
    files = sorted((run.folder / "samples").glob("*.png"))
    step = max(1, -(-len(files) // moments))
    files = files[::-step][::-1]  # the last one is always among them
    sheets = [read(file) for file in files]
    rows = [("input", _inputs(sheets[0], images))]
    rows += [
        (f"iteration {iteration(file)}", _line(sheet, images))
        for file, sheet in zip(files, sheets, strict=True)
    ]
    domains = spec(run.dataset).domains
    words = (directions.in_words(direction, domains) for direction in DIRECTIONS)
    return f"{run.title}: {', then '.join(words)}", rows


def iteration(file: Path) -> int:
    """The moment of a sheet of samples, which the directions may follow in its name."""
    return int(file.stem.partition("-")[0])


def _line(picture: np.ndarray, images: int = HALF) -> list[np.ndarray]:
    """Of a sheet of `evaluation.sample_sheet`: for each direction translations, then their maps.

    A direction has the rows input, map (if the method has one), translation.
    """
    tiles = _tiles(picture)
    shown = range(tiles.shape[1] - 1, 0, -1)
    return [tiles[k, row, i] for k in range(len(tiles)) for row in shown for i in range(images)]


def _inputs(picture: np.ndarray, images: int = HALF) -> list[np.ndarray]:
    """The inputs of `_line`, above their translations; white above the maps."""
    tiles = _tiles(picture)
    white = np.full_like(tiles[0, 0, 0], 255)
    beside = [white] * images * (tiles.shape[1] - 2)
    return [tile for k in range(len(tiles)) for tile in (*tiles[k, 0, :images], *beside)]


def _tiles(picture: np.ndarray) -> np.ndarray:
    """A sheet as (directions, rows, TILES, side, side, 3)."""
    side = picture.shape[1] // TILES
    cut = picture.reshape(len(DIRECTIONS), -1, side, TILES, side, 3)
    return cut.transpose(0, 1, 3, 2, 4, 5)
