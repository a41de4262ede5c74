"""Where U-GAT-IT's paper, its two codes (UP, UT: see `ugatit.py`) and `ugatit.py` differ."""

from replicate.methods.base import Deviation

DEVIATIONS = (
    Deviation(
        "ugatit/results-from-tf-code",
        "one method",
        "two repositories that differ in what `reading` switches; the tables came from UT "
        "(UP README.md:9)",
        "UP, of which every layer can be tested; the printed tables are those of the variant `tf`, "
        "their ablations of `tf-in` and so on, on the sets of the tables; the claims try UP",
        "reading",
    ),
    Deviation(
        "ugatit/g-conv-bias", "not stated", "UT: every convolution of G; UP: none but the 1x1",
        "as each", "reading",
    ),
    Deviation(
        "ugatit/encoder-in-affine", "not stated", "UT: affine (ops.py:202-206); UP: not", "as each",
        "reading",
    ),
    Deviation(
        "ugatit/cam-fc-shared", "not stated",
        "UT: one layer for both poolings, its bias added to every weight of the maps too "
        "(UGATIT.py:124-130, ops.py:54-80); UP: two, without bias", "as each", "reading",
    ),
    Deviation(
        "ugatit/mlp-bias", "not stated", "UT: biases (UGATIT.py:163-181); UP: none", "as each",
        "reading",
    ),
    Deviation(
        "ugatit/adalin-rho-ceiling", "rho is clipped to [0, 1]",
        "UT: from 1, used as clip(rho - 0.1), at most 0.9 (ops.py:190-193); UP: from 0.9, at most "
        "1", "as each", "reading",
    ),
    Deviation(
        "ugatit/adalin-variance", "not stated",
        "UT: biased (ops.py:184-188); UP: unbiased (networks.py:157-194)", "as each", "reading",
    ),
    Deviation(
        "ugatit/d-pad-k4s1", "not stated",
        "UT: reflects 1 px left and above, 2 right and below (ops.py:25-29), 32 x 32 and 8 x 8 "
        "scores at 256 px; UP: 1 px around, 30 x 30 and 6 x 6", "as each", "reading",
    ),
    Deviation(
        "ugatit/d-final-bias", "not stated", "UT: a bias in D's last layer; UP: none", "as each",
        "reading",
    ),
    Deviation(
        "ugatit/d-cam-unnormalised-weight", "the classifier's weights multiply the maps",
        "UP: the raw ones, while the logits take the normalised ones (networks.py:236,241); UT: "
        "the normalised ones in both", "as each", "reading",
    ),
    Deviation(
        "ugatit/spectral-norm-in-eval", "not stated",
        "UP: outside training the estimate takes u and v as the last training forward left them "
        "(torch.nn.utils.spectral_norm); UT: one more power iteration, kept",
        "only u is kept and v is made anew, so D's scores and heat maps outside training differ by "
        "the last digits of the estimate; in training as UP, which all that is trained agrees with",
    ),
    Deviation(
        "ugatit/init", "not stated", "UT: N(0, 0.02), biases 0 (ops.py:9); UP: PyTorch's defaults",
        "as each", "reading",
    ),
    Deviation(
        "ugatit/weight-decay-scope", "not stated",
        "UT: kernels only (ops.py:10); UP: every parameter, rho too (UGATIT.py:123-124)",
        "as each", "reading",
    ),
    Deviation(
        "ugatit/lr-decay-granularity", "not stated",
        "UT: by epoch, the last one at 2e-6 (UGATIT.py:519-521); UP: every iteration, the last "
        "one at 0 (UGATIT.py:148-150)", "as each", "reading",
    ),
    Deviation(
        "ugatit/dg-same-batch", "not stated",
        "UT: D and G see different images (UGATIT.py:527-538); UP: the same",
        "as each: `tf` draws two images of a domain, the first for D, the second for G", "reading",
    ),
    Deviation(
        "ugatit/augment", "not stated",
        "UT: resized to 256 px, then flipped and cropped, decided once a run (utils.py:20-24); "
        "UP: flip, 286 px, crop, image by image (UGATIT.py:87-98)", "UP's in both readings",
    ),
    Deviation(
        "ugatit/resize", "not stated",
        "both: bilinear (UP torchvision's default, UT tf.image.resize_images)",
        "bilinear, with antialiasing where an image becomes smaller; at laptop bicubic, as the "
        "other methods", "resize",
    ),
    Deviation(
        "ugatit/test-files", "not stated",
        "UT: cut off to 8 bit, under the name of the input, so JPEG of quality 95 for the "
        "photographs of most sets (utils.py:54-58); UP: PNG, all stages in one file",
        "rounded to the nearest of 256 values, PNG; at budget paper the score that the printed "
        "tables are believed to hold is there of JPEG files too, as kid/gm-mean098+jpeg",
    ),
    Deviation(
        "ugatit/d-step-no-detach", "not stated",
        "UP makes the fakes twice and sends D's gradients into G, to discard them "
        "(UGATIT.py:169-180)",
        "made once, detached for D: G does not move in between, so updates are the same",
    ),
    Deviation(
        "ugatit/lsgan-sign", "min over G, max over D of E[D(x)^2] + E[(1 - D(G(x)))^2]",
        "D: real to 1, fake to 0; G: fake to 1; no factor 1/2; no sigmoid, though a figure has "
        "one", "as code; the CAM loss of D likewise",
    ),
    Deviation(
        "ugatit/layers", "not stated", "7 (global) and 5 (local) layers; `--n_dis 6` is unused",
        "as code; at 64 px 6 and 4, because the 7th meets a map of 1 px and a patch of 70 px is "
        "larger than the image", "global_layers",
    ),
    Deviation(
        "ugatit/full-tied-to-256", "not stated",
        "the full G's first linear layer has 268 million weights at 256 px and takes no other "
        "size, 16.8 GiB in training; `light` sees channel means and is another model, 6.6 GiB (UT "
        "README: may not perform well)",
        "full at 256 px; below `full_size` every variant has the light head, so at laptop "
        "`ugatit` is `ugatit:light`; 64 px, 16 channels in G and 8 in D, 2 + 2 residual "
        "blocks", "full_size",
    ),
    Deviation(
        "ugatit/lr-at-laptop", "1e-4 for 1,000,000 iterations", "the same",
        "as code; at laptop 4e-4 for 3,000, as the other methods", "lr",
    ),
    Deviation(
        "ugatit/cam-weight-at-laptop", "1000", "1000",
        "as code; at laptop 1: with 1000 the classifier's loss owns the encoder for the first "
        "thousand of so few steps, identity and cycle losses stand still, and all backgrounds get "
        "one colour", "lambda_cam",
    ),
    Deviation(
        "ugatit/ablated-norms", "IN, LN, AdaIN or GN instead, layers not stated",
        "not released",
        "assumed: in residual blocks and after upsampling; IN, LN and GN with own gamma and beta "
        "and so without the MLP (10,329,600 parameters), AdaIN with the MLP's in the blocks; GN "
        "in groups of 8 channels", "norm",
    ),
    Deviation(
        "ugatit/ablated-cam", "without CAM, G-CAM or D-CAM, no details", "not released",
        "assumed: classifier, its loss, the weighted maps and the 1x1 convolution that merges "
        "them are left out; the features go on as they are", "g_cam",
    ),
    Deviation(
        "ugatit/resume-loses-adam", "not stated", "UP saves weights only (UGATIT.py:347-364)",
        "everything is saved",
    ),
)  # fmt: skip
