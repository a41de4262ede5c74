"""The classes of coloured label maps, as `data/palettes/` holds them, one TOML file a data set."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from replicate import documents, paths
from replicate.errors import unknown


class Palette(NamedTuple):
    """The classes of a labelled data set.

    Attributes:
        dataset: whose label maps have these colours.
        domain: which of the two domains are the label maps, by its name.
        side: px at which the maps are read, the size of the files, so that no colours are mixed.
        names: of the K classes.
        colours: (K, 3) uint8.
        ids: the folder below the set's that holds Cityscapes' labelIds, under the names of the
            pairs; the classes are true there and in colours only nearly. "": there are none.
    """

    dataset: str
    domain: str
    side: int
    names: tuple[str, ...]
    colours: np.ndarray
    ids: str = ""


def known() -> list[str]:
    """The data sets with a palette in `data/palettes/`."""
    return sorted(file.stem for file in _folder().glob("*.toml"))


def load(dataset: str) -> Palette:
    """The palette of a data set.

    Raises:
        UnknownName: it has none in `data/palettes/`.
    """
    if dataset not in known():
        raise unknown("palette of the data set", dataset, known())
    entry = documents.read_toml(_folder() / f"{dataset}.toml")
    classes = entry["classes"]
    colours = np.array(list(classes.values()), np.uint8)
    about = (entry["domain"], entry["side"], tuple(classes), colours, entry.get("ids", ""))
    return Palette(dataset, *about)


def _folder() -> Path:
    return paths.ROOT / "data" / "palettes"
