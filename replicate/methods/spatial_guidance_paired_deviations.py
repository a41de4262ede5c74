"""Where the paper, PAM (see `spatial_guidance_paired.py`) and that file differ, or say too little.

"Paper" is its supplement (seed 000 of the project's sources) and the abstract: the main text and
its tables are in no reachable source. What both settings share stands in
`spatial_guidance_deviations.py`.
"""

from replicate.methods.base import Deviation

DEVIATIONS = (
    Deviation(
        "spatial_guidance_paired/supervised-weights",
        "'the weight of L1 loss to 10, lambda_L1 = 100'; GAN 1",
        "100 (PAM:39), vanilla GAN without image pool (PAM:38), D conditional (PAM:68-70), D first "
        "and its loss halved",
        "as code; 10 is --set lambda_l1=10",
        "lambda_l1",
    ),
    Deviation(
        "spatial_guidance_paired/supervised-size",
        "128 px, UNet-128",
        "U-Net-256 by default; maps of 32 x 32 times 8 are 256 px, whatever the image's size is "
        "(PAM:64,101), so that 128 px cannot run (issues 1, 2, 6)",
        "143 px cropped to 128, 7 levels, maps of 16 x 16 times 8: every size follows from the "
        "crop, and --set load_size=286 crop_size=256 is the code's size",
    ),
    Deviation(
        "spatial_guidance_paired/s-component",
        "not in the supplement's text",
        "always: x (1 + S(A)), S trained with G (PAM:98-101,141)",
        "as code, one for each direction, fed with the stretched map, averaged on D's grid once it "
        "lies in its place. With the weights that it starts with it gives the checkerboard of its "
        "strides and hardly anything of the map, so what guides is what it learns; the variant "
        "no-s-component is x (1 + A), as in spatial_guidance",
        "s_component",
    ),
    Deviation(
        "spatial_guidance_paired/raw-map",
        "not stated",
        "the buffer takes D's map as it is, on its grid (netD posthoc_attn_v2); it has no room for "
        "an enlarged one",
        "stretched to [0, 1] image by image before it is stored, as without S a map must be; a "
        "factor cancels in S's first norm",
    ),
    Deviation(
        "spatial_guidance_paired/map-of-the-new-d",
        "not stated",
        "the map of G's pass, after D's step (PAM:129-141)",
        "as code; in spatial_guidance G comes first, and its map is that of D before its step",
    ),
    Deviation(
        "spatial_guidance_paired/norms",
        "instance norm in G and D",
        "instance norm without scale and offset in both (PAM:34), and so biases in all "
        "convolutions of G, of which those of the first and of the innermost one on the way down "
        "meet no norm",
        "D as code; G is pix2pix's U-Net, whose batch norm at batch 1 is an instance norm with "
        "scale and offset, without these biases, so that G's parameters are the usual count",
    ),
    Deviation(
        "spatial_guidance_paired/test-time-map",
        "not stated",
        "D is not loaded and maps are not saved: S of a map of ones, for every image",
        "1 + the mean of what guided at every image's last visit; test-released is as code, "
        "test-two-pass asks D about a first translation made with that mean, test-plain leaves the "
        "map out. No norm follows G's first convolution: a constant factor passes its skip",
        "test_map",
    ),
    Deviation(
        "spatial_guidance_paired/controls",
        "none",
        "none",
        "constant: what would have guided, averaged over the image; shuffled: another image's "
        "stored map, drawn at random among those visited; unguided: nothing, pix2pix with this D. "
        "S's last norm holds every mean near 0.5 and its output is a pattern even for a flat map, "
        "so constant averages behind it, and its S learns next to nothing",
        "map_source",
    ),
    Deviation(
        "spatial_guidance_paired/both-directions",
        "labels to photographs and back",
        "one direction a model",
        "both: two models without a common weight or loss, trained side by side on the same pairs",
    ),
    Deviation(
        "spatial_guidance_paired/crop-misalignment",
        "random crops; stored maps are not mentioned",
        "no flips, no shuffling, but random crops (train_attn.py:33-36)",
        "a map is kept with its crop and put in its place again, as in spatial_guidance; pairs are "
        "shuffled and mirrored. The variant unaligned leaves maps where they lay and mirrors "
        "nothing, but shuffles",
        "realign",
    ),
    Deviation(
        "spatial_guidance_paired/tam-unused-layer",
        "D's capacity should be reduced",
        "3,821,505 parameters, 589,824 of them in a convolution `u1` that nothing calls",
        "without it: 3,231,681",
        "attention",
    ),
    Deviation(
        "spatial_guidance_paired/dropout",
        "not stated",
        "on, at test too (test.py:54)",
        "as code, pix2pix's way: deviations pix2pix/test-in-train-mode and "
        "pix2pix/dropout-layout; the seed of the masks is the guided image",
    ),
    Deviation(
        "spatial_guidance_paired/scores",
        "Cityscapes, in tables of the main text; by class the gains are marginal (supplement)",
        "pix2pix's FCN-8s",
        "nothing is entered as reported",
    ),
    Deviation(
        "spatial_guidance_paired/laptop-size",
        "128 px, 70 px patches",
        "64 channels, lr 2e-4",
        "at laptop pix2pix's sizes: 64 px, 16 channels, 6 levels, lr 4e-4, and two stride-2 layers "
        "in D, 34 px patches: the map is taken after the second, 16 x 16, and S doubles it twice",
        "n_layers",
    ),
)
