"""Scores of pixels: PSNR and SSIM by scikit-image, folder against folder, pair by pair."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from replicate import images, naming
from replicate.errors import ReplicateError
from replicate.metrics import attention
from replicate.metrics.arrays import Array, same_shape, uint8_images
from replicate.metrics.attention import attention_auc, pointing_game
from replicate.metrics.bootstrap import mean_interval
from replicate.metrics.images import Folder
from replicate.metrics.protocols import Protocol
from replicate.metrics.score import Score, joined, mean_score


def pair_up(sets: Mapping[str, Folder], names: tuple[str, ...], what: str) -> tuple[list, str]:
    """The files that belong together, and the rule that paired them.

    Args:
        sets: folders by name.
        names: which of them, the first one leads.
        what: the protocol, for the error.

    Returns:
        (a list of tuples of files, one of each folder; the rule of `naming.match`).

    Raises:
        ReplicateError: nothing says which images belong together.
    """
    folders = [sets[name] for name in names]
    places = [str(folder.path) for folder in folders]
    groups, rule = naming.match([folder.names for folder in folders], places, what)
    files = [
        tuple(folder.files[i] for folder, i in zip(folders, group, strict=True)) for group in groups
    ]
    return files, rule


def read(kind: str, file: Path) -> np.ndarray:
    """One file as what its set holds.

    Args:
        kind: name of the set: "mask" gives (H, W) booleans, "attention" (H, W) float64 in [0, 1],
            "labels" (H, W) integers as stored, any other (H, W, 3) uint8.

    Raises:
        ReplicateError: the file cannot be decoded, or a mask holds more than two values.
    """
    if kind == "labels":
        return _labels(file)
    if kind == "mask":
        return _mask(file)
    return images.grey(file) if kind == "attention" else images.read(file)


def _mask(file: Path) -> np.ndarray:
    """Black is background; the one other value, 1 or 255, is the object."""
    pixels = images.grey(file)
    values = np.unique(pixels)
    if len(values) > 2 or (len(values) == 2 and values[0] != 0):
        raise ReplicateError(
            f"{file} holds {len(values)} grey values, expected a mask of 0 and one other value; "
            "threshold it first"
        )
    return pixels > 0


def _labels(file: Path) -> np.ndarray:
    pixels = images.labels(file)
    if pixels.ndim != 2:
        raise ReplicateError(
            f"{file} has {pixels.shape[-1]} channels, expected one of labels (..._labelIds.png); "
            "colours are no ground truth: some classes share one"
        )
    return pixels


def same_size(arrays: list[np.ndarray], files: tuple[Path, ...], what: str) -> None:
    """Nothing, or the error that names two files whose sizes differ."""
    for image, file in zip(arrays[1:], files[1:], strict=True):
        if image.shape[:2] != arrays[0].shape[:2]:
            raise ReplicateError(
                f"{what} compares pixel by pixel: {files[0]} is {size(arrays[0])}, {file} is "
                f"{size(image)}; resize them to one size before scoring"
            )


def size(image: np.ndarray) -> str:
    """`640x480` of (480, 640, ...)."""
    return f"{image.shape[1]}x{image.shape[0]}"


def loaded(
    sets: Mapping[str, Folder], names: tuple[str, ...], what: str
) -> tuple[Iterator[tuple[tuple[Path, ...], list[np.ndarray]]], str]:
    """Every group of images that belong together, read one group at a time, and the rule.

    Raises:
        ReplicateError: as `pair_up`; on reading, files that differ in size or cannot be read.
    """
    groups, rule = pair_up(sets, names, what)

    def each() -> Iterator[tuple[tuple[Path, ...], list[np.ndarray]]]:
        for files in groups:
            arrays = [read(name, file) for name, file in zip(names, files, strict=True)]
            same_size(arrays, files, what)
            yield files, arrays

    return each(), rule


SSIM_WINDOW = 7


def psnr(a: Array, b: Array) -> np.ndarray:
    """Peak signal-to-noise ratio of every pair.

    Args:
        a: (N, H, W, 3) uint8.
        b: the same shape.

    Returns:
        (N,) float64, dB, over all pixels and channels with data range 255; inf where identical.
    """
    from skimage.metrics import peak_signal_noise_ratio  # with scipy.stats: two seconds

    a, b = _pair(a, b)
    # scikit-image divides by zero on identical images, which is a warning and not a number.
    return np.array(
        [
            np.inf if np.array_equal(x, y) else peak_signal_noise_ratio(x, y, data_range=255)
            for x, y in zip(a, b, strict=True)
        ]
    )


def ssim(a: Array, b: Array) -> np.ndarray:
    """Structural similarity of every pair.

    Args:
        a: (N, H, W, 3) uint8, H and W at least 7 px.
        b: the same shape.

    Returns:
        (N,) float64 in [-1, 1], 1 where identical. Mean over the RGB channels; uniform 7 x 7 px
        window and sample covariance, the defaults of scikit-image, data range 255. The Gaussian
        window of the paper (Wang et al., 2004) gives slightly other values.

    Raises:
        ReplicateError: an image smaller than the window.
    """
    from skimage.metrics import structural_similarity

    a, b = _pair(a, b)
    if min(a.shape[1:3]) < SSIM_WINDOW:
        raise ReplicateError(
            f"SSIM needs images of at least {SSIM_WINDOW} x {SSIM_WINDOW} px, "
            f"got {a.shape[1]} x {a.shape[2]}"
        )
    return np.array(
        [
            structural_similarity(x, y, win_size=SSIM_WINDOW, channel_axis=-1, data_range=255)
            for x, y in zip(a, b, strict=True)
        ]
    )


def _pair(a: Array, b: Array) -> tuple[np.ndarray, np.ndarray]:
    a, b = uint8_images(a, "first set"), uint8_images(b, "second set")
    same_shape(a, b, ("first set", "second set"))
    return a, b


# How the score of one image follows from one image of each of the protocol's sets, in their order.
ONE_IMAGE: dict[str, Callable[..., np.ndarray]] = {
    "psnr/skimage": psnr,
    "ssim/skimage": ssim,
    "background/psnr": attention.background_psnr,
    "foreground/l1": attention.foreground_error,
    "attention/iou-0.5": attention.attention_iou,
    "attention/auc": attention_auc,
    "attention/pointing": pointing_game,
    "attention/mean": lambda maps: maps.mean(axis=(1, 2)),
}


def mean_over_images(protocol: Protocol, sets: Mapping[str, Folder]) -> Score:
    """The mean of a per-image score over folders.

    Args:
        protocol: one whose estimator is a key of `ONE_IMAGE`.
        sets: folders by name; those that the protocol needs, and "source" for `do_nothing`.

    Returns:
        The mean with its bootstrap interval; the note says how the images were paired.

    Raises:
        ReplicateError: files that do not pair, differ in size, or cannot be scored, by name.
    """
    values, rule = _values(protocol, protocol.needs, sets)
    row = mean_score(protocol.metric, protocol.id, values)
    finite = values[np.isfinite(values)]
    low, high = mean_interval(finite) if len(finite) > 1 else (None, None)
    note = joined(row.note, rule if len(protocol.needs) > 1 else "", protocol.caution)
    return replace(row, low=low, high=high, do_nothing=_do_nothing(protocol, sets), note=note)


def _values(
    protocol: Protocol, names: tuple[str, ...], sets: Mapping[str, Folder]
) -> tuple[np.ndarray, str]:
    groups, rule = loaded(sets, names, protocol.id)
    found = []
    for files, arrays in groups:
        try:
            found.append(ONE_IMAGE[protocol.estimator](*(one[None] for one in arrays))[0])
        except ReplicateError as error:
            raise ReplicateError(f"{protocol.id}, {files[0]}: {error}") from error
    return np.array(found, dtype=np.float64), rule


def _do_nothing(protocol: Protocol, sets: Mapping[str, Folder]) -> float | None:
    """The score of the source as output, where the sources pair with what else is needed."""
    if "source" not in sets or "fake" not in protocol.needs:
        return None
    names = tuple("source" if name == "fake" else name for name in protocol.needs)
    try:
        values, _ = _values(protocol, names, sets)
    except ReplicateError:
        return None
    return mean_score(protocol.metric, protocol.id, values).value
