"""`horse2zebra_drawn`, version 1: horses and zebras whose masks and ideal translations are known.

A scene is a pose of scikit-image's bundled horse silhouette on a tinted crop of one of its bundled
textures. Domain A (horse) gets a brown coat with soft shading, domain B (zebra) stripes that are a
fixed function of the animal's own coordinates, so that every animal wears the same stripes and the
ideal horse->zebra is unique. The brown of zebra->horse is not determined by its input: `B_ideal`
shows the coat which the same scene has as a horse, and an error to it has a floor above 0.

Frozen: the bytes of this version never change. So random numbers come from SHAKE-256 of the
scene's name, and the rendering is integer arithmetic without any generator, filter or resampling
of a library. The scene does not depend on the size, only its sampling does.
"""

import hashlib
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from replicate.errors import ReplicateError, unknown

NAME = "horse2zebra_drawn"
VERSION = 1
DOMAINS = ("horse", "zebra")
COUNTS = {"train": 500, "test": 132}

# sha256 of the pixels of the bundled pictures, because other pictures would be another data set
SOURCES = {
    "horse": "57cae0ac2f3342c4fa6be6af113252efbddb77f9e9541516bbdf3a3f5b468cf7",
    "grass": "b18dae4c68bf850a7a7b28a29d1846c76be890665117b57fd125fe29c4d4ede6",
    "gravel": "3d51ad45f789cd8b98534b7af6bce774e499ead45421135afd757358c7230009",
    "brick": "664a145c5253f0d66db1a12776785f0ea35a44cc7447ffc933f6d6118dc58643",
}
# colour at the texture's mean grey; a tint lies between two neighbours of its row
TINTS = {
    "grass": ((38, 88, 48), (62, 132, 44), (92, 158, 58), (138, 170, 84)),
    "gravel": ((134, 132, 98), (122, 122, 124), (124, 110, 142), (172, 144, 134)),
    "brick": ((112, 74, 58), (150, 88, 72), (172, 98, 88)),
}
# dark bay, bay, chestnut, sorrel, palomino
COATS = ((56, 30, 24), (92, 48, 28), (140, 72, 32), (176, 98, 46), (212, 160, 92))
BLACK, WHITE = (22, 20, 24), (240, 238, 234)

FRAME, TRIG = 1 << 16, 1 << 14  # units of a pose: the image's side; the 1 of sine and cosine
UPSAMPLE = 4  # table px per silhouette px, for smooth edges at large sizes
SUPERSAMPLE = 4  # samples per px along each axis
PERIOD = 216  # of the stripes, in table px: 6 px of a 64 px image on a typical animal
STRIPE = 32  # a white sample counts 1 + STRIPE, a black one 1: one sum holds both counts
SUBPIXEL = 256  # texture coordinates are in 1/256 px


class _Bits:
    """A stream of integers that depends on `key` only."""

    def __init__(self, key: str) -> None:
        self._words = iter(np.frombuffer(hashlib.shake_256(key.encode()).digest(1024), "<u4"))

    def between(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        return low + (int(next(self._words)) * (high - low + 1) >> 32)

    def colour(self, row: tuple[tuple[int, int, int], ...]) -> tuple[int, ...]:
        """A colour between two neighbours of `row`."""
        i, t = divmod(self.between(0, 256 * (len(row) - 1) - 1), 256)
        return tuple(a + ((b - a) * t >> 8) for a, b in zip(row[i], row[i + 1], strict=True))


@dataclass(frozen=True)
class _Scene:
    """All that is random in one image; lengths in units of FRAME, colours 0 to 255."""

    centre: tuple[int, int]  # row, column
    height: int
    turn: tuple[int, int]  # cosine and sine, times TRIG, rounded so that all machines agree
    facing: int  # 1 to the right, as the silhouette; -1 to the left
    texture: str
    window: int  # side of the crop, 1/256 texture px
    corner: tuple[int, int]  # row and column of the crop, 1/256 texture px
    flipped: bool
    tint: tuple[int, ...]
    coat: tuple[int, ...]
    shading: np.ndarray  # (5, 6) lattice over the animal, 256 = the coat's own colour


def _scene(split: str, domain: str, index: int) -> _Scene:
    """The scene of one image; each image has its own stream, so A, B, train and test differ."""
    bits = _Bits(f"{NAME}/{VERSION}/{split}/{domain}/{index}")
    texture = tuple(TINTS)[bits.between(0, 2)]
    window = bits.between(112 * SUBPIXEL, 176 * SUBPIXEL)
    tint = bits.colour(TINTS[texture])
    coats = [bits.colour(COATS) for _ in range(8)]
    angle = math.radians(bits.between(-20, 20) / 2)
    return _Scene(
        centre=(bits.between(26214, 40632), bits.between(19660, 45876)),
        height=bits.between(24904, 43254),  # 38 to 66 % of the frame
        turn=(round(math.cos(angle) * TRIG), round(math.sin(angle) * TRIG)),
        facing=1 - 2 * bits.between(0, 1),
        texture=texture,
        window=window,
        corner=tuple(bits.between(2 * SUBPIXEL, 510 * SUBPIXEL - window) for _ in range(2)),
        flipped=bool(bits.between(0, 1)),
        tint=tint,
        coat=_visible(coats, tint),
        shading=np.array([bits.between(184, 312) for _ in range(30)], np.int64).reshape(5, 6),
    )


def _visible(coats: list[tuple[int, ...]], tint: tuple[int, ...]) -> tuple[int, ...]:
    """The first coat 96 grey levels or more away from the ground's colour, else the farthest."""
    squared = ((np.array(coats) - np.array(tint)) ** 2).sum(1)
    return coats[int(np.minimum(squared, 96**2).argmax())]


def _bundled(name: str) -> np.ndarray:
    """The (H, W) int64 grey picture `name` of the installed scikit-image; never a download."""
    import skimage.io  # with tifffile; half a second

    path = Path(skimage.__file__).parent / "data" / f"{name}.png"
    grey = np.atleast_3d(skimage.io.imread(path))[..., 0]  # horse.png is grey saved as RGBA
    found = hashlib.sha256(np.ascontiguousarray(grey).tobytes()).hexdigest()
    if found != SOURCES[name]:
        raise ReplicateError(
            f"{path}: pixels have sha256 {found[:12]}, but {NAME} version {VERSION} is drawn from"
            f" {SOURCES[name][:12]}: install a scikit-image that bundles those, such as 0.26"
        )
    return grey.astype(np.int64)


@cache
def _animal() -> np.ndarray:
    """The standing animal in its own coordinates: 0 outside, 1 black, 1 + STRIPE white."""
    dark = 255 - _bundled("horse")[8:314, 17:390]
    for _ in range(2):  # both axes: linear interpolation, transposed twice
        weights = range(1, 2 * UPSAMPLE, 2)
        steps = [dark[:-1] * (2 * UPSAMPLE - w) + dark[1:] * w for w in weights]
        dark = np.stack(steps, axis=1).reshape(-1, dark.shape[1]).T
    inside = 2 * dark > 255 * (2 * UPSAMPLE) ** 2
    inside[[0, -1]] = inside[:, [0, -1]] = False  # coordinates beyond the table are clipped to it
    v, u = np.indices(inside.shape)
    bent = u + (v - 440) ** 2 // 2000  # upright on the trunk, slanting on the legs
    return (inside * (1 + STRIPE * (bent % PERIOD < PERIOD // 2))).astype(np.int16)


@cache
def _integral(name: str) -> np.ndarray:
    """Sums of the texture over all rectangles that start in its upper left corner."""
    return np.pad(_bundled(name), ((1, 0), (1, 0))).cumsum(0).cumsum(1)


def _centres(count: int) -> np.ndarray:
    """Centres of `count` equal parts of the frame."""
    return (2 * np.arange(count, dtype=np.int64) + 1) * (FRAME // 2) // count


def _strips(table: np.ndarray, start: int, window: int, size: int) -> np.ndarray:
    """Sums over `size` strips along axis 0 of a table of running sums, times SUBPIXEL."""
    width = max(window // size, SUBPIXEL)  # never under one texture px: linear interpolation
    first = start + _centres(size) * window // FRAME - width // 2

    def running(at: np.ndarray) -> np.ndarray:
        cell, part = at // SUBPIXEL, at[:, None] % SUBPIXEL
        return table[cell] * (SUBPIXEL - part) + table[cell + 1] * part

    return running(first + width) - running(first)


def _background(scene: _Scene, size: int) -> np.ndarray:
    """(S, S, 3) tinted crop of the texture, each pixel the mean over its own area."""
    sums = integral = _integral(scene.texture)
    for start in scene.corner:  # rows, then columns
        sums = _strips(sums, start, scene.window, size).T
    if scene.flipped:
        sums = sums[:, ::-1]
    width = max(scene.window // size, SUBPIXEL)
    grey = sums * 16 // width**2
    mean = int(integral[-1, -1]) * 16 // 512**2
    return np.minimum((grey[..., None] * np.array(scene.tint) + mean // 2) // mean, 255)


def _box(scene: _Scene, size: int) -> tuple[slice, slice]:
    """Rows and columns of the pixels that the animal may touch."""
    rows, columns = _animal().shape
    c, s = map(abs, scene.turn)

    def side(centre: int, extent: int) -> slice:
        half = extent * scene.height // (2 * rows * TRIG)
        low, high = ((centre + sign * half) * size // FRAME for sign in (-1, 1))
        return slice(max(low - 1, 0), min(high + 2, size))

    y, x = scene.centre
    return side(y, c * rows + s * columns), side(x, c * columns + s * rows)


def _coordinates(scene: _Scene, box: tuple[slice, slice], size: int, k: int) -> list[np.ndarray]:
    """Row and column in the animal's table of k * k points in each pixel of `box`."""
    table = _animal().shape
    c, s = ((t * table[0] << 12) // scene.height for t in scene.turn)
    y, x = (_centres(k * size)[k * side.start : k * side.stop] for side in box)
    y, x = y[:, None] - scene.centre[0], x[None, :] - scene.centre[1]
    scaled = (c * y - s * x, scene.facing * (c * x + s * y))  # by 26 bits: 14 of TRIG, 12 above
    return [((t >> 26) + n // 2).clip(0, n - 1) for t, n in zip(scaled, table, strict=True)]


def _counts(scene: _Scene, box: tuple[slice, slice], size: int) -> tuple[np.ndarray, np.ndarray]:
    """How many of a pixel's SUPERSAMPLE**2 samples hit the animal, and how many a white stripe."""
    codes = _animal()[tuple(_coordinates(scene, box, size, SUPERSAMPLE))]
    codes = sum(codes[i::SUPERSAMPLE] for i in range(SUPERSAMPLE))
    codes = sum(codes[:, i::SUPERSAMPLE] for i in range(SUPERSAMPLE)).astype(np.int64)
    # slivers beyond the mask grown by 1 px go, so that it holds all that is painted
    near = np.pad(2 * (codes % STRIPE) >= SUPERSAMPLE**2, 1)
    near = near[:-2] | near[1:-1] | near[2:]
    codes *= near[:, :-2] | near[:, 1:-1] | near[:, 2:]
    return codes % STRIPE, codes // STRIPE


def _coat(scene: _Scene, box: tuple[slice, slice], size: int) -> np.ndarray:
    """The brown of every pixel of `box`: the coat's colour times the interpolated shading."""
    at = _coordinates(scene, box, size, 1)
    cells = zip(at, scene.shading.shape, _animal().shape, strict=True)
    (i, di), (j, dj) = (np.divmod(a * (n - 1) * 256 // full, 256) for a, n, full in cells)
    upper = scene.shading[i, j] * (256 - dj) + scene.shading[i, j + 1] * dj
    lower = scene.shading[i + 1, j] * (256 - dj) + scene.shading[i + 1, j + 1] * dj
    shade = upper * (256 - di) + lower * di >> 16
    return np.minimum(shade[..., None] * np.array(scene.coat) >> 8, 255)


def _count(split: str) -> int:
    """Images a domain of `split`."""
    if split not in COUNTS:
        raise unknown("split", split, COUNTS)
    return COUNTS[split]


def draw_one(split: str, domain: str, index: int, size: int) -> dict[str, np.ndarray]:
    """One image with its mask and its ideal translation.

    Args:
        split: "train" or "test".
        domain: "horse" (A) or "zebra" (B).
        index: which image, from 0 to `COUNTS[split] - 1`.
        size: side S of the image, 32 px or more.

    Returns:
        `image` and `ideal`, uint8 (S, S, 3), 0 to 255: the same pose on the same ground, in the
        domain's coat and in the other's, equal outside the mask grown by 1 px; `mask`, uint8
        (S, S), 1 where the animal covers at least half of the pixel, else 0.

    Raises:
        ReplicateError: no such split, domain or index; a size too small for legs and stripes to
            show; or the installed scikit-image bundles other pictures.
    """
    if domain not in DOMAINS:
        raise unknown("domain", domain, DOMAINS)
    if not 0 <= index < _count(split):
        raise ReplicateError(f"no {split} {domain} {index}: choose 0 to {_count(split) - 1}")
    if size < 32:
        raise ReplicateError(f"{NAME} at {size} px: legs and stripes need at least 32 px")
    scene = _scene(split, domain, index)
    ground = _background(scene, size)
    box = _box(scene, size)
    inside, white = (n[..., None] for n in _counts(scene, box, size))
    samples = SUPERSAMPLE**2

    def paste(paint: np.ndarray) -> np.ndarray:
        picture = ground.copy()
        picture[box] = (paint + (samples - inside) * ground[box] + samples // 2) // samples
        return picture.astype(np.uint8)

    horse = paste(inside * _coat(scene, box, size))
    zebra = paste(white * np.array(WHITE) + (inside - white) * np.array(BLACK))
    mask = np.zeros((size, size), np.uint8)
    mask[box] = 2 * inside[..., 0] >= samples
    image, ideal = (horse, zebra) if domain == "horse" else (zebra, horse)
    return {"image": image, "mask": mask, "ideal": ideal}


def draw(split: str, size: int) -> dict[str, np.ndarray]:
    """All images of a split, the same bytes on every machine.

    Args:
        split: "train" or "test".
        size: side S of the images, 32 px or more.

    Returns:
        `A` (horses) and `B` (zebras), uint8 (N, S, S, 3), with N = `COUNTS[split]`; they are
        unpaired. For "test" also, for each X of A and B, `X_mask`, uint8 (N, S, S), 0 or 1, and
        `X_ideal`, uint8 (N, S, S, 3), the ideal translation.

    Raises:
        ReplicateError: as `draw_one`.
    """
    parts = {"image": ""} if split == "train" else {"image": "", "mask": "_mask", "ideal": "_ideal"}
    arrays = {}
    for letter, domain in zip("AB", DOMAINS, strict=True):
        drawn = [draw_one(split, domain, index, size) for index in range(_count(split))]
        arrays |= {letter + end: np.stack([d[part] for d in drawn]) for part, end in parts.items()}
    return arrays
