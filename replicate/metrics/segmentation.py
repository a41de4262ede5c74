"""Segmentation scores from one confusion matrix over all images, and the classes of label maps.

Pixel accuracy, class accuracy and class IoU; the 19 Cityscapes classes, their colours and ids.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from replicate.errors import ReplicateError, unknown
from replicate.metrics.arrays import Array, as_numpy, same_shape, uint8_images

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


P2L_RESOLUTION = 256
TRUTHS = ("labelIds", "color")
TINY = 1e-12
REAL_PIXEL_ACCURACY = 0.80
LEAST_SHARE = 0.7


class SegmentationScores(NamedTuple):
    """The three scores of a set of images, and the confusion matrix they come from.

    Attributes:
        pixel_accuracy: share of the labelled pixels whose class is right, in [0, 1].
        class_accuracy: mean over classes of that share, in [0, 1].
        class_iou: mean over classes of the intersection over union, in [0, 1].
        matrix: (19, 19) int64, px of all images, rows the truth, columns the prediction.
        images: images scored.
    """

    pixel_accuracy: float
    class_accuracy: float
    class_iou: float
    matrix: np.ndarray
    images: int


def segmentation_scores(
    predicted: Iterable[Array],
    truths: Iterable[Array],
    truth: str = "labelIds",
    resolution: int | None = P2L_RESOLUTION,
    skip_absent: bool = False,
    names: Sequence[str] = (),
) -> SegmentationScores:
    """The Cityscapes scores of predictions against their ground truth, one pair at a time.

    Args:
        predicted: for each image (H, W, 3) uint8 colours, read by the nearest of the 19, or
            (H, W) trainIds 0 to 18.
        truths: in the same order, (h, w) labelIds, or (h, w, 3) uint8 colours with truth="color".
            Brought to the prediction's size by `resize_nearest`.
        truth: "labelIds", or "color" by name only: void then counts as truck, see `labels`.
        resolution: the side that every prediction must have, px; None takes each at its own
            size, as for the FCN-score, whose predictions have the 1024 x 2048 of the truth.
        skip_absent: see `class_accuracy` and `class_iou`.
        names: of the images, for errors; their numbers where left out.

    Returns:
        The scores, all 1 for perfect predictions where every class occurs.

    Raises:
        ReplicateError: unequal counts, colours without truth="color", another resolution, a value
            that is no label, or no labelled pixel at all.

    Source: phillipi/pix2pix @89ff2a8, scripts/eval_cityscapes/evaluate.py l. 37-57; for photos to
        labels its issues 112 and 115. Their resolution is assumed, no source states it (213).
    """
    if truth not in TRUTHS:
        raise unknown("ground truth", truth, TRUTHS)
    matrix, images = np.zeros((len(CLASSES), len(CLASSES)), np.int64), 0
    for found, given in _pairs(predicted, truths):
        name = names[images] if images < len(names) else f"image {images}"
        found = _predicted_classes(as_numpy(found), resolution, name)
        given = _true_classes(as_numpy(given), truth, found.shape, name)
        matrix += confusion(given, found, name=name)
        images += 1
    means = class_accuracy(matrix, skip_absent), class_iou(matrix, skip_absent)
    return SegmentationScores(pixel_accuracy(matrix), *means, matrix, images)


def confusion(
    truth: Array,
    predicted: Array,
    classes: int = len(CLASSES),
    ignore: Collection[int] = NOT_SCORED,
    name: str = "image",
) -> np.ndarray:
    """Pixels by true and predicted class; matrices of several images add up.

    Args:
        truth: integers of any shape, 0 to classes - 1, or one of `ignore`.
        predicted: the same shape, 0 to classes - 1.
        classes: their number, K.
        ignore: values of the truth whose pixels are left out.
        name: what errors call the image.

    Returns:
        (K, K) int64, rows the truth, columns the prediction, px.

    Raises:
        ReplicateError: shapes that differ (the official code leaves such an image out without a
            word), or a value that is no class.

    Source: phillipi/pix2pix @89ff2a8, scripts/eval_cityscapes/util.py l. 20-29.
    """
    known = range(classes)
    truth = known_labels(
        truth, {*known, *ignore}, f"truth of {name}", "map it to a class or add it to `ignore`"
    )
    predicted = known_labels(
        predicted, known, f"prediction of {name}", "every predicted pixel needs a class"
    )
    same_shape(truth, predicted, (f"truth of {name}", "its prediction"))
    counted = ~np.isin(truth, list(ignore))
    pairs = classes * truth[counted] + predicted[counted]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def pixel_accuracy(matrix: np.ndarray) -> float:
    """Share of all labelled pixels whose class is right, in [0, 1].

    Source: phillipi/pix2pix @89ff2a8, scripts/eval_cityscapes/util.py l. 33.
    """
    _counted(matrix)
    return float(np.trace(matrix) / (matrix.sum() + TINY))


def class_accuracy(matrix: np.ndarray, skip_absent: bool = False) -> float:
    """Mean over classes of the share of the class's pixels whose class is right, in [0, 1].

    Args:
        matrix: (K, K) of `confusion`.
        skip_absent: leaves classes without a pixel in the truth out of the mean; as published
            they count as 0.

    Source: phillipi/pix2pix @89ff2a8, scripts/eval_cityscapes/util.py l. 36 and 41.
    """
    return _mean_rate(matrix, matrix.sum(1), skip_absent)


def class_iou(matrix: np.ndarray, skip_absent: bool = False) -> float:
    """Mean over classes of intersection over union, in [0, 1].

    Args:
        matrix: (K, K) of `confusion`.
        skip_absent: leaves classes without a pixel in truth or prediction out of the mean; as
            published they count as 0. A class that is only predicted counts as 0 either way.

    Source: phillipi/pix2pix @89ff2a8, scripts/eval_cityscapes/util.py l. 39 and 41.
    """
    return _mean_rate(matrix, matrix.sum(1) + matrix.sum(0) - np.diag(matrix), skip_absent)


def scorer_gate(pixel_accuracy_on_real: float, expected: float = REAL_PIXEL_ACCURACY) -> None:
    """Nothing, or the error that withholds the scores of a segmenter that fails on photographs.

    Args:
        pixel_accuracy_on_real: of the same scorer on the real photographs, in [0, 1].
        expected: what the official segmenter reaches there; 0.80 at 256 px.

    Raises:
        ReplicateError: less than 0.7 times the expected, or no share of pixels.

    Source: phillipi/pix2pix @89ff2a8, README l. 142, for the check on real images.
    """
    if pixel_accuracy_on_real > 1:
        raise ReplicateError(
            f"pixel accuracy {pixel_accuracy_on_real:g} on real photos, expected a share in "
            "[0, 1]; divide percentages by 100"
        )
    if not pixel_accuracy_on_real >= LEAST_SHARE * expected:  # true for NaN too
        raise ReplicateError(
            f"FCN scorer reaches {pixel_accuracy_on_real:.2f} pixel accuracy on real photos "
            f"(expected ~{expected:.2f}): wrong preprocessing, score withheld."
        )


def _predicted_classes(image: np.ndarray, resolution: int | None, name: str) -> np.ndarray:
    """(H, W) classes of a prediction in colours or trainIds."""
    if resolution is not None and image.shape[:2] != (resolution, resolution):
        raise ReplicateError(
            f"prediction of {name} has shape {image.shape}, expected {resolution} x {resolution} "
            "px; make it at that size, or pass its side as `resolution`, or None for any size"
        )
    return nearest_class(image[None])[0] if image.ndim == 3 else image


def _true_classes(image: np.ndarray, truth: str, size: tuple[int, int], name: str) -> np.ndarray:
    """(H, W) classes of a ground truth in labelIds or colours, at the given size."""
    if truth == "color":
        return nearest_class(resize_nearest(image, size)[None])[0]
    if image.ndim != 2:
        raise ReplicateError(
            f"ground truth of {name} has shape {image.shape}, expected (H, W) labelIds; by colour "
            "void would count as truck: give the *_gtFine_labelIds.png, or ask for truth='color'"
        )
    # All ids are read first, so that a value which is no labelId cannot hide between the samples.
    return resize_nearest(train_ids(image, f"ground truth of {name}"), size)


def _pairs(predicted: Iterable[Array], truths: Iterable[Array]) -> Iterator[tuple[Array, Array]]:
    """The pairs in order, or the error that names both counts where they differ."""
    predicted, truths = iter(predicted), iter(truths)
    for done, (found, given) in enumerate(zip_longest(predicted, truths)):
        if found is None or given is None:
            longer = 1 + done + sum(1 for _ in (truths if found is None else predicted))
            counts = (done, longer) if found is None else (longer, done)
            raise ReplicateError(
                f"{counts[0]} predictions for {counts[1]} ground truths; they are compared image "
                "by image and must be as many"
            )
        yield found, given


def _mean_rate(matrix: np.ndarray, totals: np.ndarray, skip_absent: bool) -> float:
    """Mean over classes of the diagonal over the totals."""
    _counted(matrix)
    kept = totals > 0 if skip_absent else np.ones(len(totals), bool)
    return float((np.diag(matrix)[kept] / (totals[kept] + TINY)).mean())


def _counted(matrix: np.ndarray) -> None:
    """Nothing, or the error for a matrix without a pixel, whose scores are 0/0."""
    if not matrix.sum():
        raise ReplicateError(
            "the confusion matrix counts 0 labelled pixels, expected at least 1; check that there "
            f"are images and that their truth is not all {IGNORED} or another ignored value"
        )
