"""Where pix2pix's paper, its two codes (P2P, PYT: see `pix2pix.py`) and `pix2pix.py` differ."""

from replicate.methods.base import Deviation

DEVIATIONS = (
    Deviation(
        "pix2pix/test-in-train-mode", "dropout at test too, the batch's statistics in the norms",
        "P2P test.lua:77 leaves evaluation mode out, and so does PYT: new masks for every image",
        "the same for every image by itself: its own statistics whatever stands beside it, and "
        "masks whose seed are its pixels, so that equal weights and images give equal translations",
    ),
    Deviation(
        "pix2pix/both-directions", "one direction a model", "the same (`which_direction`)",
        "both: two models without a common weight or loss, trained side by side on the same pairs",
    ),
    Deviation(
        "pix2pix/levels", "a bottleneck of 1 px", "U-Nets by name: 8 levels at 256 px, 7 at 128 px",
        "as many levels as lead from the crop to `bottleneck`: 8 at 256 px, 7 at 128 px and in "
        "`unet-128` at 256 px; at laptop 6 at 64 px (5 in `unet-128`), 16 channels",
        "bottleneck",
    ),
    Deviation(
        "pix2pix/dropout-layout", "not stated",
        "P2P: the three innermost levels up (models.lua:67-73); PYT: from the fifth to the last "
        "but one, one level further out",
        "PYT; P2P's in the variants `torch` and `encoder-decoder`. At laptop PYT's rule leaves the "
        "fifth of 6 levels, and none of 5",
        "torch_layers",
    ),
    Deviation(
        "pix2pix/conv-bias-with-bn", "not stated",
        "P2P: biases beside norms, zeroed before each step with all others (train.lua:231-232,"
        "261-262); PYT: none beside norms, the others trained",
        "PYT; with `torch_layers` they are there, because AttentionGAN's Table V counts them, and "
        "are trained: beside a norm that changes nothing",
        "torch_layers",
    ),
    Deviation(
        "pix2pix/bottleneck-norm",
        "by its erratum a batch norm there too, which at batch 1 makes the only px zero",
        "none (P2P models.lua:64; PYT)", "as code",
    ),
    Deviation(
        "pix2pix/inplace-lrelu", "not stated",
        "the activation overwrites the features that are handed across",
        "not in place; the values are the same, because ReLU follows: relu(lrelu(x)) = relu(x)",
    ),
    Deviation(
        "pix2pix/d-head", "not stated",
        "P2P: sigmoid, then cross entropy (models.lua:209); PYT: cross entropy of raw scores",
        "PYT: the same loss, safe for large scores",
    ),
    Deviation(
        "pix2pix/d-loss-half", "D's objective is halved",
        "P2P: its gradients are the plain sum's (train.lua:254 is for display); PYT: halved "
        "(pix2pix_model.py:76)", "PYT; Adam makes the factor nearly irrelevant",
    ),
    Deviation(
        "pix2pix/stale-d-output", "alternating steps",
        "P2P: G's loss takes D's scores from before D's step (train.lua:273); PYT: new ones",
        "PYT",
    ),
    Deviation(
        "pix2pix/lr-schedule", "2e-4", "P2P: 200 epochs at 2e-4 (train.lua:23); PYT: 100, then 100 "
        "linear, the last at 0.0099 of it",
        "PYT; constant in the variant `torch`; at laptop 4e-4 for 3,000 iterations, as the other "
        "methods", "constant_epochs",
    ),
    Deviation(
        "pix2pix/bgr-bilinear", "not stated",
        "P2P: bilinear without antialiasing, BGR (data/donkey_folder.lua:42-46); PYT: bicubic, RGB",
        "bicubic with antialiasing, RGB, once, when the images are packed",
    ),
    Deviation(
        "pix2pix/d-layers", "70 px patches; table 3 also 1, 16 and 286 px",
        "n_layers 3; 0, 1 and 5",
        "3; 1 px is the variant `pixel`, 16 and 286 px are n_layers 1 and 5; at 64 px 2 layers, 34 "
        "px patches: the 70 px patch is larger than the image", "n_layers",
    ),
    Deviation(
        "pix2pix/encoder-decoder", "the U-Net without its skips",
        "in P2P alone (models.lua:3-45)",
        "P2P's layers, PYT's schedule as in the other variants", "skips",
    ),
    Deviation(
        "pix2pix/ablated-losses", "table 1: L1, GAN, cGAN, L1 + GAN",
        "P2P use_GAN, use_L1, condition_GAN (train.lua:47-49): without GAN, D still learns",
        "without GAN there is no D", "gan",
    ),
)  # fmt: skip
