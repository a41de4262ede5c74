"""The layers of FID's Inception network: torchvision's Inception v3 with the pooling of 2015."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import inception as blocks


def network(state: dict[str, Tensor]) -> nn.Module:
    """The network in evaluation mode, (N, 3, 299, 299) in [-1, 1] to (N, 2048) pooled features.

    Args:
        state: parameters and statistics under torchvision's names, classifier of 1008 included.
    """
    # On "meta" nothing is drawn from the global generator and nothing is allocated twice.
    with torch.device("meta"):
        net = blocks.Inception3(
            num_classes=1008,
            aux_logits=False,
            init_weights=False,
            inception_blocks=[
                blocks.BasicConv2d,
                BlockA,
                blocks.InceptionB,
                BlockC,
                blocks.InceptionD,
                BlockE,
                blocks.InceptionAux,
            ],
        )
    net.load_state_dict(state, assign=True)
    net.Mixed_7c.pool = _maximum
    net.fc = nn.Identity()
    return net.eval().requires_grad_(False)


def _average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=1, padding=1)


def _chain(block: nn.Module, x: Tensor, prefix: str, *steps: str) -> Tensor:
    """x through the convolutions of a block that are called prefix + step, in order."""
    for step in steps:
        x = getattr(block, prefix + step)(x)
    return x


class BlockA(blocks.InceptionA):
    """torchvision's 35 x 35 block with the pooling of the 2015 graph."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [
                self.branch1x1(x),
                _chain(self, x, "branch5x5_", "1", "2"),
                _chain(self, x, "branch3x3dbl_", "1", "2", "3"),
                self.branch_pool(_average(x)),
            ],
            dim=1,
        )


class BlockC(blocks.InceptionC):
    """torchvision's 17 x 17 block with the pooling of the 2015 graph."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [
                self.branch1x1(x),
                _chain(self, x, "branch7x7_", "1", "2", "3"),
                _chain(self, x, "branch7x7dbl_", "1", "2", "3", "4", "5"),
                self.branch_pool(_average(x)),
            ],
            dim=1,
        )


class BlockE(blocks.InceptionE):
    """torchvision's 8 x 8 block; `pool` is the maximum in the last of the two."""

    pool = staticmethod(_average)

    def forward(self, x: Tensor) -> Tensor:
        once = self.branch3x3_1(x)
        twice = _chain(self, x, "branch3x3dbl_", "1", "2")
        return torch.cat(
            [
                self.branch1x1(x),
                self.branch3x3_2a(once),
                self.branch3x3_2b(once),
                self.branch3x3dbl_3a(twice),
                self.branch3x3dbl_3b(twice),
                self.branch_pool(self.pool(x)),
            ],
            dim=1,
        )
