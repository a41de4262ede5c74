"""Where DualGAN's paper, its code of three times (see `dualgan.py`) and `dualgan.py` differ."""

from replicate.methods.base import Deviation

DEVIATIONS = (
    Deviation(
        "dualgan/version", "4x4 and WGAN are named, sizes are not",
        "5x5 kernels in 2017; 3x3 but for the outermost in 2020, and a fifth convolution in D",
        "August 2017, whose two G and two D are the 178.7M of AttentionGAN's Table V; "
        "`wgan` is April 2017, `wgan-gp` 2020",
        "layers",
    ),
    Deviation(
        "dualgan/adversarial-loss", "WGAN with clipped weights",
        "April 2017: so; August 2017: cross entropy, D's without a factor 1/2; 2020: WGAN-GP",
        "August 2017's; the others in the variants of these names",
        "gan",
    ),
    Deviation(
        "dualgan/head", "patches",
        "April 2017 and 2020: one linear layer over the whole image; August 2017: patches",
        "August 2017's; the others in `wgan` and `wgan-gp`",
        "global_head",
    ),
    Deviation(
        "dualgan/dropout", "at training and test, in several layers of the generator",
        "2017: a half in the three innermost levels up, always on; 2020: none",
        "2017's, its masks outside training drawn from the image's own values; none in `wgan-gp`",
        "dropout",
    ),
    Deviation(
        "dualgan/steps", "2 to 4 steps of D for one of G",
        "April 2017: 3 batches for D, one of them at random for G, windows of batches that "
        "overlap; August 2017: on each batch one step of D and two of G; 2020: one and one by its "
        "command line, though its class says 5",
        "August 2017's; in `wgan` every iteration is D's and every third one also G's, on its own "
        "batch",
    ),
    Deviation(
        "dualgan/cycle-weight", "100 to 1000",
        "200 in April 2017, 20 in August 2017, 500 in 2020",
        "20; 200 in `wgan`, 500 in `wgan-gp`",
    ),
    Deviation(
        "dualgan/same-padding", "not stated",
        "TensorFlow's SAME: 1 px left and above, 2 px right and below a 5x5 kernel of stride 2, "
        "and the adjoint where it is transposed",
        "the same",
    ),
    Deviation(
        "dualgan/rmsprop", "RMSProp, 5e-5",
        "TensorFlow's, decay 0.9: its mean square starts at 1, eps 1e-10 stands under the root",
        "the same, in place of PyTorch's, which starts at 0; 4e-4 at laptop's few steps",
    ),
    Deviation(
        "dualgan/norm", "batch normalisation",
        "April 2017: over the batch, eps 1e-5; since then of each image, eps 1e-6, affine",
        "of each image in all variants: at batch 1 the same but for eps",
    ),
    Deviation(
        "dualgan/levels", "not stated",
        "8 levels at any size: from 128 px the innermost two have 1 px, which the norm makes a "
        "constant",
        "8; 6 at laptop's 64 px, where the bottleneck is 1 px too",
    ),
    Deviation(
        "dualgan/flip", "not stated",
        "never: a truth value is compared with the text 'True'",
        "no flip",
    ),
    Deviation(
        "dualgan/epoch", "not stated",
        "an epoch is one of the smaller domain, and in April 2017 a third of it",
        "an epoch is one of the larger domain, as everywhere here",
    ),
)  # fmt: skip
