"""Where DRIT's paper, its code and this project differ; sources are named in `drit.py`."""

from replicate.methods.base import Deviation

UNKNOWN = "not in a reachable source"

DEVIATIONS = (
    Deviation(
        "drit/concat",
        UNKNOWN,
        "--concat 1 by default; the readme advises it where shapes change little (winter, summer), "
        "and 0 where they do (cat, dog; portraits)",
        "1; 0 in the variant no-concat. What the KID tables ran is not stated",
        "concat",
    ),
    Deviation(
        "drit/mode-seeking",
        "none",
        "1 / (|dI| / |dz|) of two random translations, on by default since April 2019; --no_ms is "
        "the ECCV code",
        "off, as in 2018; on in the variant mode-seeking",
        "mode_seeking",
    ),
    Deviation(
        "drit/second-backward",
        UNKNOWN,
        "the second loss goes back through the graph made before the first step of E and G: old "
        "activations with new weights (model.py:288-303); torch refuses that today",
        "the forward pass of the second loss is made again after the first step, with the same "
        "random numbers",
    ),
    Deviation(
        "drit/last-batches",
        UNKNOWN,
        "two batches of three train the discriminator of content alone, but for the last two of "
        "an epoch, which are whole (train.py:47)",
        "two of three throughout: with 667 batches an epoch (horse2zebra) 0.2% of them differ, and "
        "a schedule that is squeezed has no such epochs",
    ),
    Deviation(
        "drit/norm-option",
        UNKNOWN,
        "no norm in any discriminator, whatever the option says: it compares two literals "
        "(networks.py:507)",
        "none",
    ),
    Deviation(
        "drit/kl",
        "Kullback-Leibler divergence of the attribute from N(0, I)",
        "concat 1: that, as a sum; concat 0: the mean square. The content's mean square as well",
        "as code",
    ),
    Deviation(
        "drit/optimizers",
        UNKNOWN,
        "eight Adams, of which the content encoder's and the generator's step twice an iteration",
        "four, which do the same: Adam treats every number by itself",
    ),
    Deviation(
        "drit/weights",
        UNKNOWN,
        "kernels of convolutions from N(0, 0.02), all else as torch starts it",
        "as code",
    ),
    Deviation(
        "drit/test-attribute",
        "random attributes, or those of an image",
        "five random ones an image (test.py), or those of an image (test_transfer.py)",
        "scores use one an image, which follows from the image and a seed of 0; what printed "
        "tables used is not stated. translate(seed=...) and translate(target=...) give the others",
    ),
    Deviation(
        "drit/test-crop",
        UNKNOWN,
        "test images are resized to 256 px, then their middle of 216 px is taken",
        "test images are resized to crop_size, never cropped, as for every method",
    ),
    Deviation(
        "drit/schedule",
        UNKNOWN,
        "1,200 epochs, the learning rate falls after 600; from 500,000 whole updates on one an "
        "epoch, which horse2zebra does not reach",
        "1,200 epochs, falls after 600",
    ),
    Deviation(
        "drit/size",
        UNKNOWN,
        "216 px of 256, 64 channels, 4 layers at 3 scales; the discriminator of content has 3 "
        "layers of 7x7, which need 212 px",
        "at laptop 64 px, 16 channels, 3 layers at 2 scales, 1 layer of 7x7",
        "content_layers",
    ),
)
