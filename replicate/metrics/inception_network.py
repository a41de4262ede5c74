"""The layers of the Inception networks: torchvision's blocks, the pooling of 2015, norms folded in.

The graph of 2015 leaves the padding out of the mean in its average pools, and its last block pools
by maximum. Batch norms are folded into the convolutions: the same function in a tenth less time.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import inception as blocks

from replicate.metrics import weights


class Network(nn.Module):
    """(N, 3, 299, 299) in [-1, 1] to pooled features (N, 2048) and logits, both float32."""

    def __init__(self, body: blocks.Inception3, biased: bool) -> None:
        super().__init__()
        self.classifier = body.fc
        self.biased = biased
        body.fc = nn.Identity()
        body.avgpool = _Mean()
        self.body = _folded(body)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        pool = self.body(x)
        bias = self.classifier.bias if self.biased else None
        return pool, F.linear(pool, self.classifier.weight, bias)


def fid_network(path: Path) -> Network:
    """The network of FID with the weights of a file; its logits lack the bias.

    Args:
        path: parameters and statistics under torchvision's names, classifier of 1008 included.

    Source: the graph inception-2015-12-05 as read by pytorch-fid inception.py and torch-fidelity
    feature_extractor_inceptionv3.py.
    """
    parts = [
        blocks.BasicConv2d,
        BlockA,
        blocks.InceptionB,
        BlockC,
        blocks.InceptionD,
        BlockE,
        blocks.InceptionAux,
    ]
    body = _loaded(path, 1008, parts)
    body.Mixed_7c.pool = _maximum
    return Network(body, biased=False)


def torchvision_network(path: Path) -> Network:
    """torchvision's Inception v3 with the weights of a file; its logits have the bias."""
    return Network(_loaded(path, 1000, None), biased=True)


def _loaded(path: Path, classes: int, parts: list[type[nn.Module]] | None) -> blocks.Inception3:
    # On "meta" nothing is drawn from the global generator and nothing is allocated twice.
    with torch.device("meta"):
        body = blocks.Inception3(
            classes, aux_logits=False, init_weights=False, inception_blocks=parts
        )
    # The second classifier serves training alone.
    state = weights.load(path, body.state_dict(), unused="AuxLogits.")
    body.load_state_dict(state, assign=True)
    return body.eval()


def _folded(body: nn.Module) -> nn.Module:
    """The network with every batch norm in the convolution before it."""
    for block in list(body.modules()):
        if isinstance(block, blocks.BasicConv2d):
            block.conv, block.bn = fuse_conv_bn_eval(block.conv, block.bn), nn.Identity()
    return body


class _Mean(nn.Module):
    """The mean over the image in float32, also of bfloat16."""

    def forward(self, x: Tensor) -> Tensor:
        return x.float().mean((2, 3))


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
