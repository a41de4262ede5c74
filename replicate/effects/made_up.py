"""Made-up weights of the Inception network, for machines without the official file.

They show what a choice of resize, files or number of images does to a number, because every choice
acts on the images before the network or on the features behind it. The numbers themselves compare
with nothing that anyone prints.
"""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from replicate import paths

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
