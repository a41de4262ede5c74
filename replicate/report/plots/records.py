"""Galleries from records alone: all methods on the same test images, without any run at hand."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from replicate.datasets import directions, packed
from replicate.datasets.spec import spec
from replicate.errors import ReplicateError
from replicate.evaluation import TILES
from replicate.images import read
from replicate.lab.published import find_runs
from replicate.lab.run import method_name, read_record
from replicate.methods import METHODS
from replicate.methods.base import DIRECTIONS
from replicate.records import SHEET, checked
from replicate.report.plots import matrices
from replicate.report.plots.images import SMALL, Row, _prompts, _tiles
from replicate.report.plots.picture import NEAR, Picture, sheet
from replicate.report.tables.catalogue import method_order

LABELS = 90  # px left of a strip's images, for "attention"


class Kept(NamedTuple):
    """A finished run as its record tells of it; `plots.losses` takes it for the run."""

    folder: Path
    method: str
    label: str
    dataset: str
    seed: int

    @property
    def name(self) -> str:
        """METHOD[:VARIANT], as tables name it."""
        return method_name(self.method, self.label)


def kept(root: Path, budget: str) -> list[Kept]:
    """The finished runs or records below a results folder; none with changed settings."""
    runs = [(folder, read_record(folder)) for folder in find_runs(root, budget)]
    return [
        Kept(folder, *(record[key] for key in ("method", "label", "dataset", "seed")))
        for folder, record in runs
        if record["status"] == "finished" and "+" not in record["label"]
        if record["method"] in METHODS and checked(folder, SHEET, record).is_file()
    ]


def common_seed(records: Iterable[Kept]) -> int:
    """The seed that the most METHOD[:VARIANT]s have; of several the first."""
    seeds = Counter(record.seed for record in records)
    if not seeds:
        raise ReplicateError("no record to show, expected at least one: publish a finished run")
    return min(seeds, key=lambda seed: (-seeds[seed], seed))


def gallery(
    records: Iterable[Kept], seed: int | None = None, images: int = 4, near: int = NEAR
) -> Picture:
    """A row a method: translations and attention maps of the same test images, both directions.

    Args:
        records: those of one data set and `seed` are shown, in the order of tables, below the
            inputs and, where known, what their translations should be.
        seed: None: the `common_seed`.
        images: of each direction, the first of the test split, at most `evaluation.TILES`.
        near: px; no tile is enlarged beyond it.

    Returns:
        Of a set of more than two domains a matrix for each method, as `translations` shows it.

    Raises:
        ReplicateError: no record of the seed, or records of several data sets.
    """
    records = list(records)
    seed = common_seed(records) if seed is None else seed
    of_seed = sorted((r for r in records if r.seed == seed), key=lambda r: method_order(r.name))
    if len(datasets := sorted({record.dataset for record in of_seed})) != 1:
        raise ReplicateError(f"seed {seed} has data sets {datasets}; expected records of one")
    inputs = max(1, images // 2)  # each stands there in every domain
    if blocks := [block for record in of_seed if (block := matrices.of_record(record, inputs))]:
        return sheet(blocks, near=min(near, SMALL))  # there are many
    tiles = {record.name: _tiles(read(record.folder / SHEET)) for record in of_seed}
    with_maps = any(picture.shape[1] > 2 for picture in tiles.values())
    known = [dict(_known(datasets[0], tiles, k)) for k in range(len(DIRECTIONS))]
    blank = [np.full_like(next(iter(tiles.values()))[0, 0, 0], 255)] * images
    rows = []
    for label in dict.fromkeys(label for rows_known in known for label in rows_known):
        parts = [row.get(label, blank)[:images] for row in known]
        rows.append((label, [t for part in parts for t in [*part, *blank * with_maps]]))
    for name, picture in tiles.items():
        line = []
        for made in picture[:, :, :images]:
            line += [*made[-1]]
            line += ([*made[1]] if len(made) > 2 else blank) * with_maps
        rows.append((name, line))
    wide = images > 2  # two tiles have no room for the seed beside the direction
    heads = _columns(datasets[0], f", seed {seed}" * wide, images, with_maps)
    return sheet([("" if wide else f"seed {seed}", rows)], heads, near=near)


def _columns(dataset: str, seed: str, images: int, with_maps: bool) -> list[str]:
    """What stands above the first column of each group."""
    words = [directions.in_words(direction, spec(dataset).domains) for direction in DIRECTIONS]
    heads = [[f"{words[0]}{seed}"], [words[1]]]
    named = [[*head, *["attention"] * with_maps] for head in heads]
    return [text for group in named for head in group for text in [head] + [""] * (images - 1)]


def strip(records: Iterable[Kept], images: int = 1) -> Picture:
    """A column a method: its translations of the same test images, under each its map.

    Args:
        records: of one data set, those of the seed that the most methods have are shown, in the
            order of tables, right of the input and the ideal translation, where that is known.
        images: of those from A to B, the first of the test split.
    """
    records = sorted(records, key=lambda record: method_order(record.name))
    seed = common_seed(records)
    of_seed = [record for record in records if record.seed == seed]
    tiles = {record.name: _tiles(read(record.folder / SHEET)) for record in of_seed}
    known = _known(of_seed[0].dataset, tiles, 0)
    blank = np.full_like(known[0][1][0], 255)
    rows: list[Row] = []
    for i in range(images):
        made = [picture[0, -1, i] for picture in tiles.values()]
        maps = [p[0, 1, i] if p.shape[1] > 2 else blank for p in tiles.values()]
        rows.append((f"image {i + 1}", [*(column[i] for _, column in known), *made]))
        rows.append(("attention", [*[blank] * len(known), *maps]))
    return sheet([(f"seed {seed}", rows)], [*(label for label, _ in known), *tiles], room=LABELS)


def is_as_printed(record: Kept) -> bool:
    """Whether it is of a method as its paper has it, no variant."""
    return record.name == record.method


def _known(dataset: str, tiles: dict[str, np.ndarray], k: int) -> list[Row]:
    """The inputs of a direction, and what their translations should be where that is known."""
    first, entry = next(iter(tiles.values())), spec(dataset)
    rows = [("input", list(first[k, 0]))]
    if entry.layout == "drawn":  # no file is needed for it
        test = packed.load(dataset, "test", first.shape[-2])
        ideal = test.arrays.get(f"{DIRECTIONS[k][0]}_ideal")
        rows += _prompts(test, DIRECTIONS[k][0], TILES)
        rows += [] if ideal is None else [("ideal", list(np.asarray(ideal[:TILES])))]
    elif entry.paired:
        rows.append(("truth", list(first[1 - k, 0])))
    return rows
