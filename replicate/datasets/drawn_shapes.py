"""`shapes_drawn`, version 1: labelled shapes, flat or striped, whose ideal translation is known.

One of five shapes an image, somewhere on a tinted crop of one of scikit-image's bundled textures.
Domain A (flat) paints it in one colour and has every class equally often; domain B (striped) paints
stripes that are a fixed function of the shape's own coordinates and is unbalanced, so that a
translator may miss its rare classes. Both styles are fixed, so the ideal translation is unique in
both directions.

Frozen like `drawn`, from which scenes get their random numbers, grounds and arithmetic.
"""

import math
from dataclasses import dataclass

import numpy as np

from replicate.datasets.drawn import (
    COUNTS,
    SUBPIXEL,
    SUPERSAMPLE,
    TINTS,
    TRIG,
    _background,
    _Bits,
    _centres,
)
from replicate.errors import ReplicateError, unknown

NAME = "shapes_drawn"
VERSION = 1
DOMAINS = ("flat", "striped")
CLASSES = ("disk", "square", "triangle", "cross", "star")  # the labels 0 to 4
PERCENT = {"flat": (20, 20, 20, 20, 20), "striped": (55, 25, 12, 5, 3)}
STEP = 37  # walks through 100 in an order that mixes the classes
FLAT, LIGHT, DARK = (44, 84, 196), (240, 236, 228), (190, 36, 64)

UNIT = 1 << 10  # the radius of the circle around a shape, in the shape's own coordinates
PERIOD = UNIT // 2  # of the stripes: 5 to 6 px of a 64 px image
RADIUS = (9830, 13107)  # 15 to 20 % of the frame
PLACE = (13763, 51773)  # of centres: no shape leaves the frame


def _around(*radii: int) -> list[tuple[int, int]]:
    """Corners (u, v) at equal angles, the first upwards, on circles of the given radii in turn."""
    turns = [2 * math.pi * i / len(radii) for i in range(len(radii))]
    return [
        (round(r * math.sin(t)), round(-r * math.cos(t))) for r, t in zip(radii, turns, strict=True)
    ]


_ARM, _END = 340, 966  # half the width of the cross's arms, and their length
CORNERS = {
    "square": [(-724, -724), (724, -724), (724, 724), (-724, 724)],
    "triangle": _around(*[UNIT] * 3),
    "cross": [
        *[(-_ARM, -_END), (_ARM, -_END), (_ARM, -_ARM), (_END, -_ARM)],
        *[(_END, _ARM), (_ARM, _ARM), (_ARM, _END), (-_ARM, _END)],
        *[(-_ARM, _ARM), (-_END, _ARM), (-_END, -_ARM), (-_ARM, -_ARM)],
    ],
    "star": _around(*[UNIT, 450] * 5),
}


@dataclass(frozen=True)
class _Scene:
    """All that is random in one image, as in `drawn`; lengths in units of FRAME."""

    label: int
    centre: tuple[int, int]  # row, column
    radius: int
    turn: tuple[int, int]  # cosine and sine, times TRIG
    texture: str
    window: int
    corner: tuple[int, int]
    flipped: bool
    tint: tuple[int, ...]


def _label(domain: str, index: int) -> int:
    """The class of an image: the percentages hold exactly in every hundred."""
    limits = np.cumsum(PERCENT[domain])
    return int(np.searchsorted(limits, STEP * index % 100, side="right"))


def _scene(split: str, domain: str, index: int) -> _Scene:
    bits = _Bits(f"{NAME}/{VERSION}/{split}/{domain}/{index}")
    texture = tuple(TINTS)[bits.between(0, 2)]
    window = bits.between(112 * SUBPIXEL, 176 * SUBPIXEL)
    angle = math.radians(bits.between(-30, 30) / 2)
    return _Scene(
        label=_label(domain, index),
        centre=(bits.between(*PLACE), bits.between(*PLACE)),
        radius=bits.between(*RADIUS),
        turn=(round(math.cos(angle) * TRIG), round(math.sin(angle) * TRIG)),
        texture=texture,
        window=window,
        corner=tuple(bits.between(2 * SUBPIXEL, 510 * SUBPIXEL - window) for _ in range(2)),
        flipped=bool(bits.between(0, 1)),
        tint=bits.colour(TINTS[texture]),
    )


def _inside(name: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Where the points lie in the shape: for a polygon by the even-odd rule."""
    if name == "disk":
        return u * u + v * v <= UNIT * UNIT
    inside = np.zeros(u.shape, bool)
    corners = CORNERS[name]
    for (u0, v0), (u1, v1) in zip(corners, corners[1:] + corners[:1], strict=True):
        left = (u1 - u0) * (v - v0) - (u - u0) * (v1 - v0)
        inside ^= ((v0 > v) != (v1 > v)) & ((left > 0) == (v1 > v0))
    return inside


def _counts(scene: _Scene, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(S, S): how many of a pixel's samples hit the shape, and how many a light stripe."""
    c, s = ((t * UNIT << 12) // scene.radius for t in scene.turn)
    y, x = (_centres(SUPERSAMPLE * size) - at for at in scene.centre)
    y, x = y[:, None], x[None, :]
    u, v = (c * x + s * y) >> 26, (c * y - s * x) >> 26  # 14 bits of TRIG, 12 above
    inside = _inside(CLASSES[scene.label], u, v)
    light = inside & ((u + PERIOD // 4) % PERIOD < PERIOD // 2)
    shape = (size, SUPERSAMPLE, size, SUPERSAMPLE)
    return tuple(hits.reshape(shape).sum((1, 3), dtype=np.int64) for hits in (inside, light))


def draw_one(split: str, domain: str, index: int, size: int) -> dict[str, np.ndarray]:
    """One image with its label, its mask and its ideal translation.

    Args:
        split: "train" or "test".
        domain: "flat" (A) or "striped" (B).
        index: which image, from 0 to `COUNTS[split] - 1`.
        size: side S of the image, 32 px or more.

    Returns:
        `image` and `ideal`, uint8 (S, S, 3): the same shape in the same place on the same ground,
        in the domain's style and in the other's; `mask`, uint8 (S, S), 1 where the shape covers at
        least half of the pixel; `label`, int64 (), its place in `CLASSES`.

    Raises:
        ReplicateError: no such split, domain or index, or a size too small for stripes to show.
    """
    if split not in COUNTS:
        raise unknown("split", split, COUNTS)
    if domain not in DOMAINS:
        raise unknown("domain", domain, DOMAINS)
    if not 0 <= index < COUNTS[split]:
        raise ReplicateError(f"no {split} {domain} {index}: choose 0 to {COUNTS[split] - 1}")
    if size < 32:
        raise ReplicateError(f"{NAME} at {size} px: stripes need at least 32 px")
    scene = _scene(split, domain, index)
    ground, samples = _background(scene, size), SUPERSAMPLE**2
    inside, light = (n[..., None] for n in _counts(scene, size))

    def paste(paint: np.ndarray) -> np.ndarray:
        mixed = paint + (samples - inside) * ground + samples // 2
        return (mixed // samples).astype(np.uint8)

    flat = paste(inside * np.array(FLAT))
    striped = paste(light * np.array(LIGHT) + (inside - light) * np.array(DARK))
    image, ideal = (flat, striped) if domain == "flat" else (striped, flat)
    mask = (2 * inside[..., 0] >= samples).astype(np.uint8)
    return {"image": image, "ideal": ideal, "mask": mask, "label": np.int64(scene.label)}


def draw(split: str, size: int) -> dict[str, np.ndarray]:
    """All images of a split, the same bytes on every machine.

    Args:
        split: "train" or "test".
        size: side S of the images, 32 px or more.

    Returns:
        For each X of A (flat) and B (striped), unpaired: `X`, uint8 (N, S, S, 3); `X_mask`, uint8
        (N, S, S), 0 or 1; `X_label`, int64 (N,). For "test" also `X_ideal`, uint8 (N, S, S, 3).

    Raises:
        ReplicateError: as `draw_one`.
    """
    if split not in COUNTS:
        raise unknown("split", split, COUNTS)
    parts = {"image": "", "mask": "_mask", "label": "_label"}
    parts |= {"ideal": "_ideal"} if split == "test" else {}
    arrays = {}
    for letter, domain in zip("AB", DOMAINS, strict=True):
        drawn = [draw_one(split, domain, index, size) for index in range(COUNTS[split])]
        arrays |= {letter + end: np.stack([d[part] for d in drawn]) for part, end in parts.items()}
    return arrays
