"""VGG19 up to its fourth block, whose features say what a picture shows."""

import torch
from torch import Tensor, nn

# channels of its convolutions; "max" halves the sides
PLAN = (64, 64, "max", 128, 128, "max", 256, 256, 256, 256, "max", 512, 512, 512, 512)
CAFFE_MEAN = (103.939, 116.779, 123.68)  # of blue, green and red in 0 to 255


class VGG19(nn.Module):
    """The features of conv4_4 before its ReLU: (N, 512, H / 8, W / 8) of (N, 3, H, W) in [-1, 1].

    Args:
        caffe: the input is what the authors' network was trained with: blue, green, red in 0 to 255
            less their means; else it is the image in [0, 1], without any mean, as znxlwm's port of
            CartoonGAN gives it to torchvision's network.

    Source: Simonyan and Zisserman 2014 (arXiv 1409.1556), table 1, column E; 10,585,152 parameters.
        Layers are named as in torchvision.
    """

    def __init__(self, caffe: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in PLAN:
            if width == "max":
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers[:-1])
        self.caffe = caffe
        self.register_buffer("mean", torch.tensor(CAFFE_MEAN)[:, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = (x.float() + 1) / 2
        return self.features(255 * x.flip(1) - self.mean if self.caffe else x).float()
