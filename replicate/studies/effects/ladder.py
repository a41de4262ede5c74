"""Translations whose quality is known beforehand, to see what a protocol makes of them.

With made-up weights of the Inception network, for machines without the official file.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from replicate import paths
from replicate.datasets import packed
from replicate.errors import ReplicateError
from replicate.evaluation import in_words
from replicate.lab.notebook_parameters import ProtocolParameters
from replicate.metrics import arrays
from replicate.metrics.images import Stack

RUNGS = ("perfect", "half", "do nothing", "blurred", "few")
SIGMA = 1 / 64  # of the blur, as a part of the image's side
SHARE = 10  # of the images, one in so many is kept where few are repeated
FEWEST = 2  # images that are repeated


@dataclass(frozen=True)
class Ladder:
    """Images of one direction, and five made-up methods of translating them.

    Attributes:
        title: data set and direction in words.
        source: (N, S, S, 3) uint8, the test images to be translated.
        perfect: (M, S, S, 3), what the best method would make of them.
        real: (K, S, S, 3), the test images of the target.
        real_train: (L, S, S, 3), other images of the target, for the floor.
        source_train: (L', S, S, 3), other inputs, for more images than a test set has.
        ideal: whether `perfect` holds the true translation of each input; else other real images of
            the target, which show something else.
    """

    title: str
    source: np.ndarray
    perfect: np.ndarray
    real: np.ndarray
    real_train: np.ndarray
    source_train: np.ndarray
    ideal: bool

    def rungs(self) -> dict[str, np.ndarray]:
        """The translations of each method of `RUNGS`, (N, S, S, 3) uint8."""
        made = {
            "perfect": self.perfect,
            "half": _halfway(self.source, self.perfect, self.ideal),
            "do nothing": self.source,
            "blurred": blurred(self.perfect),
            "few": repeated(self.perfect),
        }
        return {name: made[name] for name in RUNGS}

    def different(self) -> int:
        """How many images of the rung `few` differ."""
        return _kept(len(self.perfect))

    def spaced(self, n: int, train: int) -> "Ladder":
        """At most n images of each test set and `train` of each training set; 0 keeps all."""
        tests = (spaced(images, n) for images in (self.source, self.perfect, self.real))
        trains = (spaced(images, train) for images in (self.real_train, self.source_train))
        return Ladder(self.title, *tests, *trains, self.ideal)

    def sets(self, rung: str) -> dict[str, Stack]:
        """The image sets of one rung as a `Bench` takes them."""
        arrays = {"fake": self.rungs()[rung], "real": self.real, "source": self.source}
        arrays["real_train"] = self.real_train
        return {name: Stack(array, name) for name, array in arrays.items()}


def ladder(params: ProtocolParameters) -> Ladder:
    """The ladder of a data set's test images in one direction.

    Where no true translations are known, `perfect` are training images of the target at even
    places, and those at odd places are left for the floor.

    Raises:
        ReplicateError: the images are not there, or too few of them.
    """
    test, train = (packed.load(params.dataset, split, params.size) for split in ("test", "train"))
    a, b = params.direction
    source, real, known = test.arrays[a], test.arrays[b], train.arrays[b]
    perfect = test.arrays.get(f"{a}_ideal")
    ideal = perfect is not None
    if not ideal:
        perfect, known = known[::2], known[1::2]
        n = min(len(source), len(perfect))
        source, perfect = spaced(source, n), spaced(perfect, n)
    title = f"{params.dataset}, {in_words(params.direction, test)}"
    if min(len(source), len(real), len(known)) < 2 * FEWEST:
        raise ReplicateError(
            f"{title}: {len(source)} inputs, {len(real)} test and {len(known)} training images of "
            f"the target; expected {2 * FEWEST} or more of each"
        )
    return Ladder(title, *map(np.asarray, (source, perfect, real, known, train.arrays[a])), ideal)


def spaced(images: np.ndarray, n: int) -> np.ndarray:
    """At most n of the images, evenly spaced; all where n is 0."""
    return arrays.spaced(images, n or len(images))


def blurred(images: np.ndarray) -> np.ndarray:
    """The images after a Gaussian blur of 1/64 of their side."""
    kernel = ImageFilter.GaussianBlur(SIGMA * images.shape[1])
    return np.stack([np.asarray(Image.fromarray(image).filter(kernel)) for image in images])


def repeated(images: np.ndarray) -> np.ndarray:
    """As many images, of which only a tenth differ: a generator whose modes collapsed."""
    few = spaced(images, _kept(len(images)))
    return few[np.arange(len(images)) % len(few)]


def _kept(n: int) -> int:
    return max(FEWEST, n // SHARE)


def _halfway(source: np.ndarray, perfect: np.ndarray, ideal: bool) -> np.ndarray:
    """The mean of input and ideal; without ideals inputs and perfect images by turns."""
    if ideal:
        total = source.astype(np.uint16) + perfect
        return ((total + 1) // 2).astype(np.uint8)
    made = perfect.copy()
    made[1::2] = source[1::2]
    return made


KEY = 299
FILE = f"made-up-inception-{KEY}.pth"
CLASSES = 1008
# The first convolutions see pixels, whose brightness would drown everything else: their filters sum
# to 0 over each window and so answer to edges and textures.
STEM = ("Conv2d_1a", "Conv2d_2a", "Conv2d_2b")
STEM_GAIN = 11  # found by trial: pooled features are then of the official network's order, 0.1 to 1
# The other filters sum to 0 over all inputs, so that they see the variance of their inputs only;
# that of a rectified Gaussian is (1 - 1 / pi) / 2 of the Gaussian's.
GAIN = 2 / (1 - 1 / np.pi)
UNIFORM_SD = 2**16 / np.sqrt(12)  # of a random int16


def made_up_weights() -> Path:
    """A file in the format of the official one, of any machine the same values; made once, 95 MB.

    Returns:
        Its place by `paths.derived`.
    """
    path = paths.derived("weights", FILE)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.parent / str(os.getpid()) / FILE  # torch.save writes the name into the file
        partial.parent.mkdir(exist_ok=True)
        torch.save(state(), partial)
        os.replace(partial, path)
        partial.parent.rmdir()
    return path


def state() -> dict[str, Tensor]:
    """Parameters and statistics under the official names, float32.

    Filters are uniform with a mean taken out, scaled so that activations neither die nor explode;
    batch norms change nothing.
    """
    shapes = {name: value.shape for name, value in _shapes().items()}
    matrices = {name: shape for name, shape in shapes.items() if len(shape) > 1}
    # random_raw is fixed by the Philox algorithm; NumPy may change how it makes other draws of it.
    total = sum(shape.numel() for shape in matrices.values())
    raw = np.random.Philox(key=KEY).random_raw(-(-total // 4)).astype("<u8").view("<i2")[:total]
    made, start = {}, 0
    for name, shape in shapes.items():
        if name in matrices:
            part = raw[start : start + shape.numel()]
            made[name], start = _filters(part.reshape(shape), name), start + shape.numel()
        else:
            ones = name.endswith(("bn.weight", "running_var"))
            made[name] = torch.full(shape, float(ones))
    return made


def _filters(whole: np.ndarray, name: str) -> Tensor:
    """Filters without their mean from integers; exact in float64 up to one rounding a value."""
    stem = name.startswith(STEM)
    inputs = whole[0].size
    window = whole[0, 0].size if stem else inputs
    flat = whole.reshape(-1, window).astype(np.float64)
    centred = flat * window - flat.sum(axis=1, keepdims=True)  # integers below 2^53
    gain = STEM_GAIN if stem else GAIN
    scaled = centred * (np.sqrt(gain / inputs) / (window * UNIFORM_SD))
    return torch.from_numpy(scaled.astype(np.float32).reshape(whole.shape))


def _shapes() -> dict[str, Tensor]:
    from torchvision.models import Inception3  # a second of imports, for the first call only

    with torch.device("meta"):
        net = Inception3(num_classes=CLASSES, aux_logits=False, init_weights=False)
    return {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
