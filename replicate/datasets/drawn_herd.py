"""`horse2zebra_herd_drawn`, version 1: herds among things that wear the coats of both domains.

Harder than `horse2zebra_drawn`: one to three animals of different sizes, and behind them boulders,
shrubs and fences, as many brown ones as striped ones in every image of both domains. They are
painted as the animals are, in the same browns and the same stripes, and are to be left alone. So
only an animal's shape tells what has to change, and 'where colours differ' is not the answer.

Brown and stripes, and so the ideal translations, are those of `drawn`: unique for horse->zebra,
with an error that has a floor above 0 for zebra->horse. Frozen like `drawn`, from which scenes get
their random numbers, grounds, coats and arithmetic.
"""

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from replicate.datasets.drawn import (
    BLACK,
    COATS,
    COUNTS,
    DOMAINS,
    FRAME,
    STRIPE,
    SUBPIXEL,
    SUPERSAMPLE,
    TINTS,
    TRIG,
    WHITE,
    _animal,
    _background,
    _Bits,
    _box,
    _coat,
    _coordinates,
    _visible,
)
from replicate.errors import ReplicateError, unknown

NAME = "horse2zebra_herd_drawn"
VERSION = 1
KINDS = ("boulder", "shrub", "fence")  # what stands behind the animals
HEIGHTS = {1: (22938, 36045), 2: (18350, 30802), 3: (18350, 27525)}  # by the number of animals
TURN = {"animal": 20, "boulder": 60, "shrub": 20, "fence": 20}  # at most, in half degrees
SLACK = 2621  # 4 % of the frame may be cut off
TRIES = 24  # places that are tried, in search of one that is free
APART = 120  # thousandths of the smaller box that two things may share
PERIOD = 270  # of the stripes, in table px: about 4 px of a 64 px image


@dataclass(frozen=True)
class _Thing:
    """An animal, or what stands behind it; as a scene of `drawn`, and what it wears if not that."""

    kind: str
    centre: tuple[int, int]  # row, column
    height: int  # of the table
    turn: tuple[int, int]
    facing: int
    striped: bool
    coat: tuple[int, ...] = ()
    shading: np.ndarray | None = None


@dataclass(frozen=True)
class _Ground:
    texture: str
    window: int
    corner: tuple[int, int]
    flipped: bool
    tint: tuple[int, ...]


def _disks(v: np.ndarray, u: np.ndarray, *disks: tuple[int, int, int, int]) -> np.ndarray:
    """Where any ellipse is; each by row and column of its centre, half its height and width."""
    return np.any(
        [((v - y) * b) ** 2 + ((u - x) * a) ** 2 <= (a * b) ** 2 for y, x, a, b in disks], axis=0
    )


def _bars(v: np.ndarray, u: np.ndarray, *bars: tuple[int, int, int, int]) -> np.ndarray:
    """Where any upright rectangle is; given as the ellipses of `_disks`."""
    return np.any([(abs(v - y) < a) & (abs(u - x) < b) for y, x, a, b in bars], axis=0)


@cache
def _table(kind: str) -> np.ndarray:
    """What `drawn._animal` is, for each kind: 0 outside, 1 black, 1 + STRIPE white."""
    v, u = np.indices(_animal().shape)
    y, x = v - v.shape[0] // 2, u - u.shape[1] // 2
    if kind == "animal":
        inside = _animal() > 0
    elif kind == "boulder":
        lumps = (20, 20, 270, 380), (-110, -90, 230, 250), (130, 190, 160, 290)
        inside = _disks(y, x, *lumps)
    elif kind == "shrub":
        crown = (-190, 0, 210, 230), (-40, -230, 190, 210), (-30, 240, 200, 200), (30, 0, 180, 260)
        inside = _disks(y, x, *crown) | _bars(y, x, (280, 0, 160, 70))
    else:
        rails = (-200, 0, 85, 480), (120, 0, 85, 480)
        inside = _bars(y, x, *rails, *((0, at, 400, 80) for at in (-330, 0, 330)))
    bent = u + (v - 440) ** 2 // 2000  # as on the animal of `drawn`
    return (inside * (1 + STRIPE * (bent % PERIOD < PERIOD // 2))).astype(np.int16)


@cache
def _extent(kind: str) -> tuple[int, int]:
    """Rows and columns, in table px, of the box around the table's middle that holds the kind."""
    table = _table(kind)
    return tuple(
        n - 2 * int(min(line.argmax(), line[::-1].argmax()))
        for n, line in ((n, (table > 0).any(1 - axis)) for axis, n in enumerate(table.shape))
    )


def _half(kind: str, height: int) -> tuple[int, int]:
    """Half the rows and columns of the frame that a thing covers."""
    return tuple(n * height // (2 * _animal().shape[0]) for n in _extent(kind))


def _shared(one: _Thing, other: _Thing) -> int:
    """Thousandths of the smaller box that lie in the other one."""
    halves = _half(one.kind, one.height), _half(other.kind, other.height)
    common = 1
    for at, there, a, b in zip(one.centre, other.centre, *halves, strict=True):
        common *= max(min(at + a, there + b) - max(at - a, there - b), 0)
    return common * 1000 // min(4 * a * b for a, b in halves)


def _posed(key: str, kind: str, striped: bool, heights: tuple[int, int]) -> _Thing:
    bits = _Bits(key)
    height = bits.between(*heights)
    room = ((half - SLACK, FRAME - half + SLACK) for half in _half(kind, height))
    angle = math.radians(bits.between(-TURN[kind], TURN[kind]) / 2)
    return _Thing(
        kind=kind,
        centre=tuple(bits.between(*limits) for limits in room),
        height=height,
        turn=(round(math.cos(angle) * TRIG), round(math.sin(angle) * TRIG)),
        facing=1 - 2 * bits.between(0, 1),
        striped=striped,
    )


def _scene(split: str, domain: str, index: int) -> tuple[_Ground, list[_Thing]]:
    """The scene of one image: the ground, then what stands on it, the farthest first."""
    key = f"{NAME}/{VERSION}/{split}/{domain}/{index}"
    bits = _Bits(key)
    texture = tuple(TINTS)[bits.between(0, 2)]
    window = bits.between(112 * SUBPIXEL, 176 * SUBPIXEL)
    corner = tuple(bits.between(2 * SUBPIXEL, 510 * SUBPIXEL - window) for _ in range(2))
    flipped = bool(bits.between(0, 1))
    ground = _Ground(texture, window, corner, flipped, bits.colour(TINTS[texture]))
    animals = bits.between(1, 3)
    wanted = [("animal", domain == "zebra")] * animals
    for _ in range(bits.between(1, 2)):  # pairs, so that every image has as many of both
        wanted += [(KINDS[bits.between(0, 2)], striped) for striped in (False, True)]
    things: list[_Thing] = []
    for i, (kind, striped) in enumerate(wanted):
        tries = (_posed(f"{key}/{i}/{n}", kind, striped, HEIGHTS[animals]) for n in range(TRIES))
        things.append(_freest(tries, things))
    things = [_dressed(f"{key}/{i}", t, ground.tint) for i, t in enumerate(things)]
    return ground, sorted(things, key=lambda thing: (thing.kind == "animal", thing.height))


def _freest(tries: list[_Thing], others: list[_Thing]) -> _Thing:
    """The first try that shares little with every other thing, else the one that shares least."""
    return min(tries, key=lambda t: max([APART, *(_shared(t, other) for other in others)]))


def _dressed(key: str, thing: _Thing, tint: tuple[int, ...]) -> _Thing:
    bits = _Bits(f"{key}/coat")
    coat = _visible([bits.colour(COATS) for _ in range(8)], tint)
    shading = np.array([bits.between(184, 312) for _ in range(30)], np.int64).reshape(5, 6)
    return replace(thing, coat=coat, shading=shading)


def _counts(thing: _Thing, box: tuple[slice, slice], size: int) -> tuple[np.ndarray, np.ndarray]:
    """How many of a pixel's SUPERSAMPLE**2 samples hit the thing, and how many a white stripe."""
    codes = _table(thing.kind)[tuple(_coordinates(thing, box, size, SUPERSAMPLE))].astype(np.int64)
    rows, columns = (n // SUPERSAMPLE for n in codes.shape)
    codes = codes.reshape(rows, SUPERSAMPLE, columns, SUPERSAMPLE).sum((1, 3))
    # slivers beyond the mask grown by 1 px go, so that it holds all that differs from the ideal
    near = np.pad(2 * (codes % STRIPE) >= SUPERSAMPLE**2, 1)
    near = near[:-2] | near[1:-1] | near[2:]
    codes *= near[:, :-2] | near[:, 1:-1] | near[:, 2:]
    return codes % STRIPE, codes // STRIPE


def draw_one(split: str, domain: str, index: int, size: int) -> dict[str, np.ndarray]:
    """One image with the mask of its animals and its ideal translation.

    Args:
        split: "train" or "test".
        domain: "horse" (A) or "zebra" (B).
        index: which image, from 0 to `COUNTS[split] - 1`.
        size: side S of the image, 32 px or more.

    Returns:
        `image` and `ideal`, uint8 (S, S, 3), 0 to 255: the same things in the same places, the
        animals in the domain's coat and in the other's, equal outside the mask grown by 1 px;
        `mask`, uint8 (S, S), 1 where an animal covers at least half of the pixel, else 0.

    Raises:
        ReplicateError: no such split, domain or index; a size too small for stripes to show; or
            the installed scikit-image bundles other pictures.
    """
    if split not in COUNTS:
        raise unknown("split", split, COUNTS)
    if domain not in DOMAINS:
        raise unknown("domain", domain, DOMAINS)
    if not 0 <= index < COUNTS[split]:
        raise ReplicateError(f"no {split} {domain} {index}: choose 0 to {COUNTS[split] - 1}")
    if size < 32:
        raise ReplicateError(f"{NAME} at {size} px: legs and stripes need at least 32 px")
    ground, things = _scene(split, domain, index)
    horse = _background(ground, size)
    zebra, mask = horse.copy(), np.zeros((size, size), np.uint8)
    samples = SUPERSAMPLE**2
    for thing in things:
        box = _box(thing, size)
        inside, white = (n[..., None] for n in _counts(thing, box, size))
        striped = white * np.array(WHITE) + (inside - white) * np.array(BLACK)
        brown = inside * _coat(thing, box, size)
        paints = (striped, striped) if thing.striped else (brown, brown)
        if thing.kind == "animal":
            paints = (brown, striped)
            mask[box] |= (2 * inside[..., 0] >= samples).astype(np.uint8)
        for picture, paint in zip((horse, zebra), paints, strict=True):
            picture[box] = (paint + (samples - inside) * picture[box] + samples // 2) // samples
    pictures = [picture.astype(np.uint8) for picture in (horse, zebra)]
    image, ideal = pictures if domain == "horse" else pictures[::-1]
    return {"image": image, "mask": mask, "ideal": ideal}


def draw(split: str, size: int) -> dict[str, np.ndarray]:
    """All images of a split, the same bytes on every machine.

    Args:
        split: "train" or "test".
        size: side S of the images, 32 px or more.

    Returns:
        As `drawn.draw`: `A` (horses) and `B` (zebras), unpaired; for "test" also their `X_mask`
        and `X_ideal`.

    Raises:
        ReplicateError: as `draw_one`.
    """
    if split not in COUNTS:
        raise unknown("split", split, COUNTS)
    parts = {"image": ""} if split == "train" else {"image": "", "mask": "_mask", "ideal": "_ideal"}
    arrays = {}
    for letter, domain in zip("AB", DOMAINS, strict=True):
        drawn = [draw_one(split, domain, index, size) for index in range(COUNTS[split])]
        arrays |= {letter + end: np.stack([d[part] for d in drawn]) for part, end in parts.items()}
    return arrays
