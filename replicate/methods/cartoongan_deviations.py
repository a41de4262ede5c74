"""Where CartoonGAN's paper, its two codes (TAKI, ZNX: see `cartoongan.py`) and ours differ."""

from replicate.methods.base import Deviation

DEVIATIONS = (
    Deviation(
        "cartoongan/implementation", "networks and losses, no training code",
        "TAKI: reflection padding of 7x7 kernels and in blocks, affine norms, no bias, lr 1e-4 "
        "throughout, batch 1, 100 x 10,000 iterations; ZNX: zero padding, norms without scale, "
        "biases, lr 2e-4 that falls to a tenth at half and three quarters of 100 epochs, batch 8",
        "TAKI, whose default set is a faces-to-anime one; ZNX in the variant `znxlwm`. Which of "
        "them made U-GAT-IT's one KID is not stated",
        "port",
    ),
    Deviation(
        "cartoongan/init-phase", "10 epochs of G with the content loss alone",
        "TAKI: one of 10,000 iterations, with an Adam of its own; ZNX: 10 epochs before the 100, "
        "one Adam for both phases",
        "each variant as its code; at laptop a tenth of the iterations",
        "init_epochs",
    ),
    Deviation(
        "cartoongan/content-network", "conv4_4 of VGG19",
        "TAKI: of the Caffe weights, before the ReLU, blue, green, red in 0 to 255 less their "
        "means; ZNX: of torchvision's weights, images in [0, 1] without mean",
        "each variant as its code, from files checked by their sha256. At laptop, and where these "
        "are not at hand: the last block of the third stage of EfficientNet-Lite0 (40 channels, an "
        "eighth of the side, no activation after it), whose weights install with the package, with "
        "weight 1 in place of 10. "
        "`blur` compares means of 4x4 px and is for rehearsals",
        "content",
    ),
    Deviation(
        "cartoongan/streams", "photographs, cartoons, and cartoons with smoothed edges",
        "TAKI: three shuffles, and each step of D and of G draws new ones; ZNX: a cartoon and its "
        "smoothed one together, both steps on one batch",
        "as ZNX in both variants; the smoothed ones are made once, when the set is packed",
    ),
    Deviation(
        "cartoongan/edges", "Canny, dilation, Gaussian blur, no sizes",
        "both: OpenCV's Canny with 100 and 200 on the grey image at 256 px, dilated by 5x5, "
        "blurred there by OpenCV's 5x5 kernel of (1, 4, 6, 4, 1) / 16",
        "the same steps on the image as it is packed, whatever its size: datasets/smoothing.py",
    ),
    Deviation(
        "cartoongan/one-way", "photographs to cartoons",
        "the same",
        "A to B alone: a run has no translations, scores and pictures of the other direction, and "
        "tables say why",
    ),
)  # fmt: skip
