"""Label maps: the 19 Cityscapes classes, their colours, and from colours or ids to classes.

Colours are no ground truth. Void is black, which is nearest to truck (distance 70); licence plates
have the colour of cars and pole groups that of poles, though neither is scored; caravans come out
as trucks and trailers as cars. Some classes are near one another: bus and train 20, fence and pole
37, wall and sky 48.8, road and wall 53.9. `train_ids` of the labelIds has none of these faults.
"""

from collections.abc import Collection

import numpy as np

from replicate.errors import ReplicateError
from replicate.metrics.arrays import Array, as_numpy, uint8_images

IGNORED = 255
NOT_SCORED = (-1, IGNORED)

# name: (labelId, colour), in the order of the trainIds 0 to 18.
CITYSCAPES = {
    "road": (7, (128, 64, 128)),
    "sidewalk": (8, (244, 35, 232)),
    "building": (11, (70, 70, 70)),
    "wall": (12, (102, 102, 156)),
    "fence": (13, (190, 153, 153)),
    "pole": (17, (153, 153, 153)),
    "traffic light": (19, (250, 170, 30)),
    "traffic sign": (20, (220, 220, 0)),
    "vegetation": (21, (107, 142, 35)),
    "terrain": (22, (152, 251, 152)),
    "sky": (23, (70, 130, 180)),
    "person": (24, (220, 20, 60)),
    "rider": (25, (255, 0, 0)),
    "car": (26, (0, 0, 142)),
    "truck": (27, (0, 0, 70)),
    "bus": (28, (0, 60, 100)),
    "train": (31, (0, 80, 100)),
    "motorcycle": (32, (0, 0, 230)),
    "bicycle": (33, (119, 11, 32)),
}
CLASSES = tuple(CITYSCAPES)
PALETTE = np.array([colour for _, colour in CITYSCAPES.values()], np.uint8)
PALETTE.setflags(write=False)
LABEL_IDS = (*range(-1, 34), IGNORED)


def train_ids(label_ids: Array, name: str = "label image") -> np.ndarray:
    """The classes of a `*_gtFine_labelIds.png`.

    Args:
        label_ids: integers of any shape, -1 to 33, or 255 for -1 as a byte.
        name: what the error calls the image.

    Returns:
        The same shape, uint8: 0 to 18 in the order of `CLASSES`, 255 where nothing is scored.

    Raises:
        ReplicateError: a value that is no labelId.

    Source: mcordts/cityscapesScripts @0bcc4a7, helpers/labels.py l. 62-99.
    """
    ids = known_labels(label_ids, LABEL_IDS, name, "give the *_gtFine_labelIds.png")
    table = np.full(257, IGNORED, np.uint8)
    for train_id, (label_id, _) in enumerate(CITYSCAPES.values()):
        table[label_id + 1] = train_id
    return table[ids + 1]


def nearest_class(images: Array, palette: Array = PALETTE) -> np.ndarray:
    """The class of every pixel whose colour is nearest, by L2 distance in RGB.

    Args:
        images: (N, H, W, 3) uint8.
        palette: (K, 3) colours in whole numbers of [0, 255], K <= 255.

    Returns:
        (N, H, W) uint8, 0 to K - 1; the first of classes that are equally near.

    Source: the author's word on photos to labels, phillipi/pix2pix issue 115; no official script.
    """
    images, colours = uint8_images(images), as_numpy(palette).astype(np.float32)
    if colours.ndim != 2 or colours.shape[1] != 3 or not 1 <= len(colours) <= IGNORED:
        raise ReplicateError(
            f"palette of shape {colours.shape}, expected (K, 3) with K of 1 to {IGNORED} classes"
        )
    # |x - c|^2 is least where 2 xc - |c|^2 is largest; whole numbers below 2^24 are exact in
    # float32, so that ties stay ties.
    offset = (colours**2).sum(axis=1)
    found = [(image.astype(np.float32) @ (2 * colours.T) - offset).argmax(2) for image in images]
    return np.stack(found).astype(np.uint8)


def resize_nearest(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The image by nearest neighbour, which makes no new values.

    Args:
        image: (H, W) or (H, W, C).
        size: (height, width), px.

    Returns:
        (height, width) or (height, width, C). Pixel i of n takes the pixel of N in which its
        centre lies, floor((i + 1/2) N / n), as Pillow and torch's "nearest-exact" do; OpenCV and
        torch's "nearest" take floor(i N / n).
    """
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for new, old in zip(size, image.shape[:2], strict=True)
    )
    return image[rows[:, None], columns]


def known_labels(labels: Array, known: Collection[int], name: str, way_out: str) -> np.ndarray:
    """The labels as int64, checked to be integers among `known`.

    Raises:
        ReplicateError: floats, or a value that is not known; it names the value and the image.
    """
    labels = as_numpy(labels)
    if labels.dtype.kind not in "iub":
        raise ReplicateError(f"{name}: {labels.dtype} labels, expected integers; {way_out}")
    labels = labels.astype(np.int64)
    strange = ~np.isin(labels, list(known))
    if strange.any():
        value = labels[strange][0]
        count = (labels == value).sum()
        raise ReplicateError(
            f"{name}: label value {value} in {count} px, expected {_ranges(known)}; {way_out}"
        )
    return labels


def _ranges(values: Collection[int]) -> str:
    """The values as text, as in "-1 to 18 or 255"."""
    runs: list[list[int]] = []
    for value in sorted(set(values)):
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    texts = [str(a) if a == b else f"{a} to {b}" for a, b in runs]
    return " or ".join(texts)
