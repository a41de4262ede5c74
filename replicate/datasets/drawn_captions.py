"""`shapes_captioned`, version 1: the images of `shapes_drawn`, and a sentence that tells of each.

A sentence names the shape, its coat, its place in the image, one of nine, and the ground, in one of
four forms. So the domain is a word of the sentence, and what a picture of it has to show is known.

Frozen like `drawn_shapes`, which draws the images.
"""

import re
from typing import NamedTuple

import numpy as np

from replicate.datasets import captions, drawn_shapes
from replicate.datasets.drawn import COUNTS, FRAME, _Bits
from replicate.datasets.drawn_shapes import CLASSES, DOMAINS, PLACE, _scene

NAME = "shapes_captioned"
VERSION = 1
COATS = {"flat": "flat blue", "striped": "striped red"}
ROWS, COLUMNS = ("top", "middle", "bottom"), ("left", "middle", "right")
FORMS = (
    "a {coat} {shape} on {ground}, at the {place}",
    "at the {place} there is a {coat} {shape} on {ground}",
    "on {ground} at the {place}, a {coat} {shape}",
    "this {coat} {shape} at the {place} lies on {ground}",
)
# centres are spread evenly over `PLACE`; a third of that range is a place
EDGES = tuple(PLACE[0] + (PLACE[1] - PLACE[0]) * k // 3 for k in (1, 2))


class Named(NamedTuple):
    """What a sentence says, each part None where it does not.

    Attributes:
        shape: a place in `CLASSES`.
        coat: a place in `DOMAINS`.
        place: 3 * row + column, from 0 at the top left to 8.
    """

    shape: int | None
    coat: int | None
    place: int | None


def place_of(row: float, column: float, frame: float) -> int:
    """The place of a centre, 3 * row + column.

    Args:
        row, column: of the centre, in units of which the image's side has `frame`.
    """
    at = [value * FRAME / frame for value in (row, column)]
    down, across = (int(np.searchsorted(EDGES, value, side="right")) for value in at)
    return 3 * down + across


def place_name(place: int) -> str:
    """`top left`, `top`, `middle` of a place from 0 to 8."""
    row, column = ROWS[place // 3], COLUMNS[place % 3]
    if row == "middle" or column == "middle":
        return column if row == "middle" else row
    return f"{row} {column}"


def sentence(split: str, domain: str, index: int, coat: str | None = None) -> str:
    """The caption of an image.

    Args:
        split, domain, index: as of `drawn_shapes.draw_one`.
        coat: the domain whose coat it names; None: the image's own.
    """
    scene = _scene(split, domain, index)
    form = FORMS[_Bits(f"{NAME}/{VERSION}/{split}/{domain}/{index}").between(0, len(FORMS) - 1)]
    return form.format(
        coat=COATS[coat or domain],
        shape=CLASSES[scene.label],
        ground=scene.texture,
        place=place_name(place_of(*scene.centre, FRAME)),
    )


def understood(text: str) -> Named:
    """What a sentence names, in whatever order its words stand."""
    words = re.findall(r"[a-z]+", text.lower())

    def place(names: tuple[str, ...]) -> int | None:
        return next((names.index(word) for word in words if word in names), None)

    down, across = (place((a, "", b)) for a, b in (("top", "bottom"), ("left", "right")))
    somewhere = "middle" in words or down is not None or across is not None
    at = 3 * (1 if down is None else down) + (1 if across is None else across)
    return Named(place(CLASSES), place(DOMAINS), at if somewhere else None)


def draw(split: str, size: int) -> dict[str, np.ndarray]:
    """All images of a split with their captions, the same bytes on every machine.

    Returns:
        The arrays of `drawn_shapes.draw`; for each X of A and B also `X_caption` and, for "test",
        `X_ideal_caption`, which names the other domain's coat: uint8 (N, LENGTH).

    Raises:
        ReplicateError: as `drawn_shapes.draw`.
    """
    arrays = drawn_shapes.draw(split, size)
    for letter, domain in zip("AB", DOMAINS, strict=True):
        (other,) = set(DOMAINS) - {domain}
        coats = {"caption": domain} | ({"ideal_caption": other} if split == "test" else {})
        for key, coat in coats.items():
            texts = (sentence(split, domain, i, coat) for i in range(COUNTS[split]))
            arrays[f"{letter}_{key}"] = captions.encode(texts)
    return arrays
