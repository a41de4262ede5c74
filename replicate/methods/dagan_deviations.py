"""What DA-GAN's text leaves open, what DA-U (see `dagan.py`) has, and what is done here."""

from replicate.methods.base import Deviation

NONE = "none public"

DEVIATIONS = (
    Deviation(
        "dagan/window-size",
        "w and h are half of the width and height of X (eq. 2)",
        "none public; DA-U: 30 of 64 px; RA-CNN, with the same mask: half of the region's side",
        "half-size 15/64 of the side, DA-U's window, which is 1.2 times the largest drawn shape; "
        "read literally, a window covers the image wherever it may stand, and nothing is attended "
        "to. The variant four-regions has half-size 1/8",
        "half_size",
    ),
    Deviation(
        "dagan/number-of-regions",
        "N', no value (eq. 1)",
        "none public; DA-U: 1",
        "1, because a drawn image has one object; two-regions, and four-regions for parts",
        "n_regions",
    ),
    Deviation(
        "dagan/centre-range",
        "not stated",
        "none public; DA-U: sigmoid * (side - window), the upper left corner, rounded to whole px "
        "(ops.py:51-61), so that no gradient reaches f_loc",
        "half + (side - 2 half) * sigmoid: windows stay inside, and nothing is rounded",
    ),
    Deviation(
        "dagan/mask-sharpness",
        "k 'large enough' (eq. 4)",
        "none public; DA-U: 200 or 200,000; RA-CNN: 10 and a backward pass made by hand",
        "k from 0.5 to 5 per px, growing geometrically over the first third of the schedule: only "
        "the edge, 2 ln 9 / k px wide, has a gradient with respect to the centre",
        "k_last",
    ),
    Deviation(
        "dagan/shared-encoder",
        "the symbol E in eqs. 1 and 3, 'operating the same way on both S and T'",
        NONE,
        "one E and one f_loc for S and T, for images and regions",
    ),
    Deviation(
        "dagan/latent-composition",
        "the set of instance codes; how G takes a set is not stated",
        "none public; DA-U: the one code, without E(X)",
        "their sum: regions are full-size images, so their maps are aligned. G cannot see the "
        "background then and makes one up; with-global adds E(X)",
        "with_global",
    ),
    Deviation(
        "dagan/region-blank",
        "R = X * M, the range of X not stated",
        NONE,
        "images in [-1, 1], so that what no window shows is mid grey",
    ),
    Deviation(
        "dagan/distance",
        "d of eqs. 5 and 6: 'many options'",
        "none public; DA-U: mean absolute difference (model.py:133-143)",
        "mean absolute difference of the latent codes",
    ),
    Deviation(
        "dagan/geometric-regularisation",
        "d(Y, DAE(X)), 'for instance, a VGG classifier'",
        "none public; DA-U: cross entropy of S, weight 1",
        "cross entropy of a linear layer on the pooled positive part of the instance codes, "
        "weight 1, S and T; source-labels: S only; no-labels: off. A set without labels is refused",
        "labels",
    ),
    Deviation(
        "dagan/constant-code",
        "L_cst and L_sym compare two codes; both are 0 for a constant DAE",
        "none public; DA-U: as the paper",
        "no gradient into DAE(s) and DAE(t): with it, the variance of the code fell from 0.26 to "
        "0.02 within 200 iterations of the laptop budget. two-sided has it; the variance is logged",
        "stop_gradient",
    ),
    Deviation(
        "dagan/objective-weights",
        "not in a reachable source",
        "none public; DA-U: 0.9 and 0.5 (README) or 0.4 and 0.6 (argparse) of L_cst and L_sym",
        "L_GAN^s + L_GAN^t + alpha L_cst + beta L_sym + L_cls with weights of 1",
        "alpha",
    ),
    Deviation(
        "dagan/gan-loss",
        "log losses (eqs. 7, 8); G's second term is written log D2(F(t))",
        "none public; DA-U: non-saturating",
        "cross entropy, non-saturating for F, on patches; D's is the sum of both terms, no half",
    ),
    Deviation(
        "dagan/second-discriminator",
        "D2 tells t from F(t) (eq. 8)",
        "none public; DA-U judges the real images of D2's loss by D1's network (model.py:120-124), "
        "so that D2 never sees one",
        "D2 judges both; no-d2 leaves it out",
        "d2",
    ),
    Deviation(
        "dagan/optimiser-and-backbone",
        "not in a reachable source",
        "none public; DA-U: Adam as TensorFlow has it, batch norms, 64 px",
        "CycleGAN's generator cut into E (4 of 9 blocks) and G, its PatchGAN twice, instance "
        "norms, 256 px, Adam 2e-4, beta1 0.5, batch 8, no pool, 100 epochs and 100 of linear "
        "decay: at a constant rate windows kept jumping to the last step of the laptop budget, "
        "with 0.63 of them on the object where the mean of the last eighth was 0.88",
        "lr",
    ),
    Deviation(
        "dagan/update-order",
        "not in a reachable source",
        "none public; DA-U: D1, D2, then DAE and G",
        "as DA-U",
    ),
    Deviation(
        "dagan/region-diversity",
        "no term keeps regions apart",
        NONE,
        "none; their overlap is logged",
    ),
    Deviation(
        "dagan/pose-of-t",
        "figure 2's caption speaks of the pose of one t, the equations never give t to F(s)",
        NONE,
        "the equations: a pose is what all images of T share",
    ),
    Deviation(
        "dagan/adaptation-protocol",
        "not in a reachable source",
        NONE,
        "translate labelled S, train a classifier on it, test it on T, beside training on S and on "
        "T; a protocol of scores, not part of this method",
    ),
    Deviation(
        "dagan/notation",
        "F stands before its definition; 'DAE o G' of section 3.3 is G(DAE(.)) of figure 2",
        NONE,
        "F(x) = G(DAE(x))",
    ),
    Deviation(
        "dagan/one-direction",
        "S -> T only",
        NONE,
        "two models that share nothing, A -> B and B -> A, trained by one run: Adam works on each "
        "parameter alone, so it is the same as two runs. Twice the parameters that are listed",
    ),
    Deviation(
        "dagan/oracle-windows",
        "no such control",
        NONE,
        "in training the window stands on the true mask's centre, and f_loc learns that centre: a "
        "test image has no mask, so there f_loc places the window",
        "windows",
    ),
    Deviation(
        "dagan/text-to-image",
        "figure 1a: images from sentences",
        NONE,
        "not attempted: how a sentence becomes S, E of a sentence and the data's split are not in "
        "a reachable source",
    ),
    Deviation(
        "dagan/missing-tables",
        "tables exist and are not in a reachable source",
        NONE,
        "empty cells beside measured numbers",
    ),
    Deviation(
        "dagan/laptop-size",
        "not in a reachable source",
        "none public; DA-U: 64 px, batch 64 or 2",
        "64 px, 16 channels, 1 and 3 blocks, 34 px patches, batch 1, lr 4e-4 at laptop; L_cls has "
        "weight 10 there, because at 1 the windows had not left the image's middle after 250 "
        "iterations, while L_cls alone moved them onto most objects",
        "n_layers",
    ),
)
