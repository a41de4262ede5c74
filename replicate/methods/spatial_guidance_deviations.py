"""Where the paper, its code and `spatial_guidance.py` differ, or neither says enough.

"Paper" is its supplement (seed 000 of the project's sources) and the abstract: the main text and
its tables are in no reachable source.
"""

from replicate.methods.base import Deviation

DEVIATIONS = (
    Deviation(
        "spatial_guidance/map-source",
        "the map of D's decision is fed to G with the source image; of which D and when, not "
        "stated",
        "target-domain D on the fake, stored until the image's next visit "
        "(attn_cycle_gan_model.py:209-212,239-240, the README's model for PHA + RHP and TAM + "
        "RHP); on the fake of a first pass in the same step (decompose_attn_model.py:135-246); "
        "source-domain D on the input (attn_cycle_gan_v2_model.py:139-178)",
        "the first; the variants two-pass and source are the others. Which made the tables is "
        "uncertain",
        "map_source",
    ),
    Deviation(
        "spatial_guidance/two-pass-losses",
        "not stated",
        "decompose: losses on both passes, D learns from the first pass only, alpha is refused",
        "as code; alpha's first pass has the channel of ones that its cycle pass has",
    ),
    Deviation(
        "spatial_guidance/controls",
        "none",
        "none",
        "three arms of this project that tell whether guidance is spatial: constant (the image's "
        "stored map, averaged), shuffled (the stored map of another image, drawn at random among "
        "those visited), oracle (the true mask, where a training split has it). Instance norms "
        "cancel a constant factor at F0, F1 and F4 and a constant channel, but for their eps: "
        "there the variant constant is nearly the variant unguided",
        "map_source",
    ),
    Deviation(
        "spatial_guidance/pha-map",
        "PHA is not defined",
        "mean of |a| after block 3, stretched by the minimum and maximum of the batch, which is 1",
        "stretched image by image; bilinear to the image's size; the variant squared has |a|^2",
        "power",
    ),
    Deviation(
        "spatial_guidance/mask-size",
        "not stated",
        "256 px fixed for PHA, an option for TAM whose default 128 crashes at 256 (issues 2, 6)",
        "every size follows from the image's",
    ),
    Deviation(
        "spatial_guidance/tam-layout",
        "3 convolutions of trunk and 1 of classification",
        "2 and 2, the mask with the trunk's channels, (1 + M) T (networks.py:892-957)",
        "as code",
    ),
    Deviation(
        "spatial_guidance/tam-unused-layer",
        "D's capacity should be reduced",
        "registers a convolution `u1` of 589,824 parameters that nothing calls; 3,818,433 in all",
        "without it: 3,228,609; and without the resize to a fixed size, which changes nothing at "
        "the documented ones",
    ),
    Deviation(
        "spatial_guidance/tam-batchnorm",
        "instance norm everywhere",
        "batch norm in the mask's head at batch 1",
        "as code; a map at test time is made with the running statistics",
    ),
    Deviation(
        "spatial_guidance/crop-misalignment",
        "random crops; stored maps are not mentioned",
        "no flips, no shuffling, but random crops, so that a map may lie up to 30 px off "
        "(train_attn.py:33-36)",
        "a map is kept with its crop and put in its place again, `start` where that crop did not "
        "reach; images are shuffled and mirrored as CycleGAN's. The variant unaligned leaves maps "
        "where they lay and mirrors nothing, but shuffles; released and tam-released are as code, "
        "with its order and its constant at test",
        "realign",
    ),
    Deviation(
        "spatial_guidance/buffer-start",
        "not stated",
        "1 (V1; DEV v4, v5), so that the first epoch sees 2 x; 0.25 (DEV v3)",
        "1",
        "start",
    ),
    Deviation(
        "spatial_guidance/buffer-size",
        "not stated",
        "3000 maps of each domain (attn_cycle_gan_model.py:57), at the image's size",
        "3000 on the discriminator's grid, of a larger set one for each image",
        "memory",
    ),
    Deviation(
        "spatial_guidance/test-time-constant",
        "not stated",
        "RHP 1.5 x, alpha a channel of ones (attn_cycle_gan_model.py:133-148), maps are not "
        "saved; 1.5 is the mean of an S-component's output, which V1 has not; issue 5 asks",
        "1 + the mean of A over every image's last visit, for alpha a channel of that mean; "
        "test-1.5 is as released, test-two-pass asks D about a first translation, test-plain "
        "leaves the map out. Which constant hardly matters but at F2 and F3: instance norms cancel "
        "it elsewhere",
        "test_map",
    ),
    Deviation(
        "spatial_guidance/cycle-pass",
        "not stated",
        "without a map, for alpha ones (V1); 1.5 x (DEV v4); the map of the fake (V2, DEV v5)",
        "as V1, in identity passes too; as V2 in the variants source and guided-cycle",
        "guided_cycle",
    ),
    Deviation(
        "spatial_guidance/s-component",
        "not in the supplement's text",
        "only in the supervised model and in DEV v3 to v5, which probably made the figures; fed "
        "with maps that are not stretched",
        "off; the variant s-component has one for each domain, fed with the stretched map, "
        "averaged on D's grid once it lies in its place",
        "s_component",
    ),
    Deviation(
        "spatial_guidance/identity-weight",
        "no identity loss mentioned",
        "0 in the attention models, 0.5 of the cycle's in the same repository's CycleGAN "
        "(cycle_gan_model.py:43): an unequal comparison if defaults were used",
        "0; a comparison with CycleGAN has one weight in all its arms: the variant unguided is "
        "CycleGAN with 0. At laptop CycleGAN's 5.0: with 0 all colours of the ground turned into "
        "their opposites (background 11 dB after 3,000 steps)",
        "lambda_idt",
    ),
    Deviation(
        "spatial_guidance/alpha-map",
        "not stated",
        "the README pairs alpha with V2 and maps of 32 x 32, which cannot be concatenated",
        "enlarged; the variants alpha and tam-alpha keep the default source, so that only the "
        "fusion differs; source-alpha and tam-source-alpha are V2, the release's",
        "fusion",
    ),
    Deviation(
        "spatial_guidance/fusion-stages",
        "F3 at the end of the 4th of 9 blocks; the operator inside G not stated",
        "after the 4th (networks.py:462) or the 5th (DEV networks.py:458), h (1 + A); in ASGIT "
        "F1 to F4 cannot be run",
        "after the 4th, at 4 blocks after the 2nd; A averaged on the features' grid; no "
        "S-component, which DEV's had",
        "stage",
    ),
    Deviation(
        "spatial_guidance/rhp-name",
        "'RHP'",
        "`rmult`",
        "RHP, probably residual Hadamard product",
    ),
    Deviation(
        "spatial_guidance/supervised",
        "pix2pix with UNet-128 on Cityscapes at 128 px",
        "pix2pix_attn_model.py, which several of its settings cannot run (issues 1, 2, 6)",
        "the method spatial_guidance_paired; this one has CycleGAN as backbone",
    ),
    Deviation(
        "spatial_guidance/laptop-size",
        "256 px, 9 blocks, 70 px patches",
        "64 channels, lr 2e-4",
        "at laptop 64 px, 16 channels, 4 blocks, lr 4e-4, and two stride-2 layers in D, 34 px "
        "patches: the map is taken after the second, 16 x 16 as a quarter of the image's side "
        "instead of an eighth",
        "n_layers",
    ),
    Deviation(
        "spatial_guidance/missing-tables",
        "main tables in no reachable source; table 1 of the supplement says 'Target KID', once "
        "'Target FID', without a scale, and does not say PHA or TAM",
        "no code that computes it",
        "table 1 is entered as printed, as PHA + RHP's; it is believed to hold a KID to the target "
        "times 100, so the value of kid/gm-target stands beside it with this caveat",
    ),
)
