"""AttentionGAN's generator for several domains: StarGAN's, with a mask beside the content."""

import torch
from torch import Tensor, nn

from replicate.networks.attentiongan import Painting, compose
from replicate.networks.stargan import label_layers, with_planes


class LabelGenerator(nn.Module):
    """A residual generator told by a label where to go; one attention and one content.

    The label planes act through the zeros around the image alone, as in `StarGenerator`.

    Args:
        c_dim, ngf, n_blocks: as of `label_layers`.

    Input (N, 3, H, W) with H, W multiples of 4, and labels (N, c_dim); output a `Painting` of n = 2
    attentions, the mask and what it leaves of the input, and of one content, which no tanh bounds.

    Source: AttentionGAN-v1-multi/model.py:30-71, 8,443,072 parameters at the defaults.
    """

    def __init__(self, c_dim: int = 8, ngf: int = 64, n_blocks: int = 6) -> None:
        super().__init__()
        self.model = nn.Sequential(*label_layers(c_dim, ngf, n_blocks, outputs=4))

    def forward(self, x: Tensor, label: Tensor) -> Painting:
        mask, content = self.model(with_planes(x, label)).float().split([1, 3], dim=1)
        mask, content = torch.sigmoid(mask), content[:, None]
        attention = torch.cat([mask, 1 - mask], dim=1)
        return Painting(compose(x, attention, content), attention, content)
