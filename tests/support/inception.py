"""Files of Inception weights with made-up values, in the format of the published ones."""

from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models import Inception3


@cache
def state(classes: int = 1008) -> dict[str, Tensor]:
    """Parameters under torchvision's names, scaled so that activations neither die nor explode,
    with batch statistics that are not the identity.

    Args:
        classes: 1008 as FID's network has them, 1000 as torchvision's.
    """
    with torch.device("meta"):
        shapes = Inception3(classes, aux_logits=False, init_weights=False).state_dict()
    generator = torch.Generator().manual_seed(0)
    made = {}
    for name, value in shapes.items():
        if name.endswith("num_batches_tracked"):
            made[name] = torch.tensor(1)
        elif name.endswith(("running_var", "bn.weight")):
            made[name] = 0.5 + torch.rand(value.shape, generator=generator)
        else:
            fan_in = value[0].numel() if value.ndim > 1 else 100
            draw = torch.rand(value.shape, generator=generator) * 2 - 1
            made[name] = draw * (6 / fan_in) ** 0.5
    return made


def weights_file(folder: Path, classes: int = 1008) -> Path:
    """A file of these weights in the folder; to be passed as `weights=`, as no sha256 matches."""
    path = folder / f"made-up-{classes}.pth"
    torch.save(state(classes), path)
    return path
