"""What a number means: a protocol is a named, versioned record, and its id travels with the number.

The records are at the end, in the order of tables; `comparisons` says which may stand together.
"""

import re
from dataclasses import asdict, dataclass, field, replace

from replicate.errors import ReplicateError, unknown

SETS = {
    "fake": "FAKE",
    "real": "REAL",
    "source": "--source DIR",
    "real_train": "--real-train DIR",
    "mask": "--mask DIR",
    "ideal": "--ideal DIR",
    "attention": "--attention DIR",
}
JPEG = "+jpeg"
NEGATIVE = (  # without "; ", at which notes are split
    "unbiased KID may be negative near zero, where the sets differ by less than chance: the floor, "
    "of real images alone, shows how far chance goes, and a value far below it tells of a fault"
)
SIZED = re.compile(r"(?P<id>[^@+]+)@(?P<size>\d+)", re.ASCII)
SIZES = ("subset_size", "resolution")  # settings that "@N" behind an id changes


@dataclass(frozen=True)
class Protocol:
    """One way to make a number of image sets.

    Attributes:
        id: its name; equal ids mean comparable numbers.
        metric: "kid", "fid", "psnr", ...: what the table's column is called.
        definition: one sentence for a reader.
        used_by: who prints such numbers.
        certainty: "verified", "reported", "uncertain", or "definition" where it is this project's.
        version: raised whenever the same images would get another number.
        features: name of the feature network; "" for scores of pixels.
        output: what of the network: "pool" (pooled features), "logits" or "logits+bias".
        resize: a name of `resize.RESIZES`; "" where the network or the metric does without.
        estimator: a name of `estimators.ESTIMATORS`, `pixel_scores.ONE_IMAGE` or
            `label_folders.SEGMENTATION`; "" where the number is reported only.
        settings: arguments of the estimator: subsets, blocks, splits.
        sides: the sets that `fake` is compared with, and the weight of each in the sum.
        scale: printed = scale * value; values are stored without it.
        spread_kind: what the number after "±" is.
        needs: the sets without which it cannot be computed.
        default: whether it is computed when nobody asks for protocols by name.
        files: what the images are read from.
        caution: what a reader must know beside every such number.
        reason: why nothing here computes it; "" where something does.
    """

    id: str
    metric: str
    definition: str
    used_by: str
    certainty: str
    version: int = 1
    features: str = ""
    output: str = "pool"
    resize: str = ""
    estimator: str = ""
    settings: dict[str, object] = field(default_factory=dict)
    sides: tuple[tuple[str, float], ...] = (("real", 1.0),)
    scale: float = 1.0
    spread_kind: str = ""
    needs: tuple[str, ...] = ("fake", "real")
    default: bool = False
    files: str = "PNG at the method's own size"
    caution: str = ""
    reason: str = ""

    @property
    def network(self) -> str:
        """Network, resize and precision as in an extractor's id; "" without a network."""
        name, low, _ = self.features.partition("-bf16")
        return f"{name}-{self.resize}{low}" if self.resize else self.features

    def printed(self, value: float) -> float:
        """The number as its authors print it: the one place where the factor is applied."""
        return self.scale * value

    def record(self) -> dict:
        """The protocol as JSON."""
        return asdict(self) | {"computed": not self.reason}


def find(name: str) -> Protocol:
    """The protocol of an id.

    Args:
        name: an id of `PROTOCOLS`; "ID@60" for another subset size or resolution than the one in
            the record, "ID+jpeg" for lossy files. Both are part of the id, as they change the
            number.

    Raises:
        UnknownName: no such protocol; the closest is named.
        ReplicateError: "@" behind a protocol that has no such size.
    """
    pass

    plain = name.removesuffix(JPEG)
    sized = SIZED.fullmatch(plain)
    wanted = sized["id"] if sized else plain
    if wanted not in PROTOCOLS:
        raise unknown("protocol", wanted, PROTOCOLS)
    protocol = PROTOCOLS[wanted]
    if sized:
        protocol = _with_size(protocol, int(sized["size"]))
    return lossy(protocol) if name.endswith(JPEG) else protocol


def remark(protocol: Protocol) -> str:
    """What a reader must know of every number of a kind, by its metric; empty where nothing is."""
    return NEGATIVE if protocol.metric == "kid" else ""


def lossy(protocol: Protocol) -> Protocol:
    """The same protocol on lossy files: other images, so another id."""
    return replace(protocol, id=protocol.id + JPEG, files="lossy (JPEG or WebP)")


def computable() -> list[Protocol]:
    """The protocols that `replicate score` computes, in the order of the list."""
    pass

    return [protocol for protocol in PROTOCOLS.values() if protocol.estimator]


def _with_size(protocol: Protocol, size: int) -> Protocol:
    name = next((name for name in SIZES if name in protocol.settings), None)
    if name is None:
        raise ReplicateError(
            f"{protocol.id}@{size}: {protocol.id} has neither a subset size nor a resolution; ask "
            f"for it without '@{size}'"
        )
    if size == protocol.settings[name]:
        return protocol
    settings = protocol.settings | {name: size}
    return replace(protocol, id=f"{protocol.id}@{size}", settings=settings)


INCEPTION = "inception-2015-12-05"
EFFICIENTNET = "efficientnet-lite0"
MEAN_OF_BOTH = (("real", 0.5), ("source", 0.5))
WITH_SOURCE = ("fake", "real", "source")
FULL, BLOCKS, SUBSETS = "standard error", "standard error over blocks", "sd over subsets"
NO_RANKING = "lower is not better: it also rewards an output that stays near the input"
OVER_IMAGES = "sd over images"


def _kid(id: str, definition: str, used_by: str, certainty: str, **more: object) -> Protocol:
    given = {"features": INCEPTION, "estimator": "full sample", "spread_kind": FULL} | more
    return Protocol(id, "kid", definition, used_by, certainty, **given)


def _fid(id: str, definition: str, used_by: str, certainty: str, **more: object) -> Protocol:
    given = {"features": INCEPTION, "estimator": "frechet"} | more
    return Protocol(id, "fid", definition, used_by, certainty, **given)


def _pixels(id: str, metric: str, definition: str, *needs: str, **more: object) -> Protocol:
    given = {"estimator": id, "sides": (), "spread_kind": OVER_IMAGES} | more
    return Protocol(id, metric, definition, "this project", "definition", needs=needs, **given)


def _printed(id: str, metric: str, definition: str, used_by: str, certainty: str, reason: str):
    return Protocol(id, metric, definition, used_by, certainty, needs=(), sides=(), reason=reason)


_LIST = (
    _kid(
        "kid/efficientnet-lite0", "KID of the full samples on EfficientNet-Lite0, Pillow's "
        "bicubic to 224 px", "this project", "definition", features=EFFICIENTNET,
    ),
    _fid(
        "fid/efficientnet-lite0", "FID on EfficientNet-Lite0, Pillow's bicubic to 224 px",
        "this project", "definition", features=EFFICIENTNET,
    ),
    Protocol(
        "class-rate/efficientnet-lite0", "class_rate", "share of outputs whose first answer is a "
        "class of the target domain; the floor is the rate of real images, its ceiling",
        "this project", "definition", features=EFFICIENTNET, output="logits",
        estimator="class rate", sides=(), spread_kind=FULL, needs=("fake",),
    ),
    Protocol(
        "class-probability/efficientnet-lite0", "class_probability", "mean probability of the "
        "target domain's classes; the floor is that of real images, its ceiling",
        "this project", "definition", features=EFFICIENTNET, output="logits",
        estimator="class probability", sides=(), spread_kind=FULL, needs=("fake",),
    ),
    Protocol(
        "precision/efficientnet-lite0", "precision", "share of outputs within reach of a real "
        "image's 3rd neighbour", "this project; Kynkaanniemi et al. use VGG-16", "definition",
        features=EFFICIENTNET, estimator="precision", settings={"neighbours": 3},
    ),
    Protocol(
        "recall/efficientnet-lite0", "recall", "share of real images within reach of an output's "
        "3rd neighbour", "this project; Kynkaanniemi et al. use VGG-16", "definition",
        features=EFFICIENTNET, estimator="recall", settings={"neighbours": 3},
    ),
    _kid(
        "kid/standin", "KID of the full samples on the stand-in network", "this project",
        "definition", features="standin-v1",
    ),
    _fid(
        "fid/standin", "FID on the stand-in network", "this project", "definition",
        features="standin-v1",
    ),
    _kid(
        "kid/clean", "KID of the full samples, clean-fid's resize", "this project", "definition",
        resize="clean",
    ),
    _fid("fid/clean", "FID with clean-fid's antialiased resize", "clean-fid, CUT line", "verified",
         resize="clean"),
    _kid(
        "kid/torch-fidelity", "KID over 100 random subsets of 1,000 (or @N), TF1-style resize",
        "torch-fidelity, LS4GAN, UVCGAN", "verified", resize="tf1", estimator="random subsets",
        settings={"subsets": 100, "subset_size": 1000}, spread_kind=SUBSETS,
    ),
    _fid("fid/torch-fidelity", "FID with TF1-style resize", "torch-fidelity, LS4GAN", "verified",
         resize="tf1"),
    _kid(
        "kid/inception", "KID of the full samples, pytorch-fid's resize", "this project",
        "definition", resize="torch",
    ),
    _kid(
        "kid/subsets", "KID over 100 random subsets of half the smaller set, pytorch-fid's resize",
        "this project", "definition", resize="torch", estimator="random subsets",
        settings={"subsets": 100}, spread_kind=SUBSETS,
    ),
    _fid("fid/inception", "FID with pytorch-fid's resize", "pytorch-fid", "verified",
         resize="torch"),
    _fid(
        "fid/clean-legacy", "FID in clean-fid's mode legacy_pytorch", "clean-fid, CUT line",
        "reported", resize="torch",
    ),
    _kid(
        "kid/gm-target", "KID to the target over consecutive blocks of 10, printed x 100",
        "GM's default; users of U-GAT-IT", "verified", resize="gm", estimator="consecutive blocks",
        settings={"block": 10}, spread_kind=BLOCKS, scale=100,
    ),
    _fid("fid/gm", "FID, printed / 100", "GM", "verified", resize="gm", scale=0.01),
    _kid(
        "kid/gm-mean098", "(0.02 KID to target + 0.98 KID to source) / 2, blocks of 10, x 100",
        "GM's mean_kernel_inception_distance; probably U-GAT-IT, Tables 1 and 3",
        "formula verified; its use in the paper uncertain", resize="gm",
        estimator="consecutive blocks", settings={"block": 10}, spread_kind=BLOCKS, scale=100,
        sides=(("real", 0.01), ("source", 0.49)), needs=WITH_SOURCE, caution=NO_RANKING,
    ),
    _kid(
        "kid/aggan-mean", "mean of KID to target and KID to source, printed x 100",
        "AGGAN (NeurIPS 2018)",
        "uncertain: an author confirms the mean for FID; resize and estimator are assumed",
        resize="torch", scale=100, sides=MEAN_OF_BOTH, needs=WITH_SOURCE, caution=NO_RANKING,
    ),
    _fid(
        "fid/aggan-mean", "mean of FID to target and FID to source", "AGGAN (arXiv v1, v2)",
        "reported by an author; the resize is assumed", resize="torch", sides=MEAN_OF_BOTH,
        needs=WITH_SOURCE, caution=NO_RANKING,
    ),
    _fid(
        "fid/gan-compression", "FID to the training and test images of the target together",
        "gan-compression", "reported; the resize is assumed", resize="torch",
        sides=(("real+real_train", 1.0),), needs=("fake", "real", "real_train"),
    ),
    Protocol(
        "is/torch-fidelity", "is", "Inception score over 10 splits of a seeded shuffle",
        "torch-fidelity", "verified", features=INCEPTION, output="logits", resize="tf1",
        estimator="splits", settings={"splits": 10, "classes": 1008, "shuffle": 2020}, sides=(),
        spread_kind="sd over splits", needs=("fake",),
    ),
    Protocol(
        "is/gm", "is", "Inception score over 10 consecutive splits of the first 1,000 logits",
        "GM", "verified; that its logits hold their bias is assumed", features=INCEPTION,
        output="logits+bias", resize="gm", estimator="splits",
        settings={"splits": 10, "classes": 1000}, sides=(), spread_kind="sd over splits",
        needs=("fake",),
    ),
    Protocol(
        "precision/clean", "precision", "share of outputs within reach of a real image's 3rd "
        "neighbour", "this project; Kynkaanniemi et al. use VGG-16", "definition",
        features=INCEPTION, resize="clean", estimator="precision", settings={"neighbours": 3},
    ),
    Protocol(
        "recall/clean", "recall", "share of real images within reach of an output's 3rd neighbour",
        "this project; Kynkaanniemi et al. use VGG-16", "definition", features=INCEPTION,
        resize="clean", estimator="recall", settings={"neighbours": 3},
    ),
    _kid(
        "kid/clean-bf16", "kid/clean with convolutions in bfloat16: fast where a CPU has matrix "
        "units, other in the third digit", "this project", "definition",
        features=f"{INCEPTION}-bf16", resize="clean",
    ),
    _fid(
        "fid/clean-bf16", "fid/clean with convolutions in bfloat16", "this project", "definition",
        features=f"{INCEPTION}-bf16", resize="clean",
    ),
    _kid(
        "kid/torchvision", "KID of the full samples on torchvision's Inception v3", "this project",
        "definition", features="torchvision-inception-v3", resize="clean",
    ),
    _fid(
        "fid/torchvision", "FID on torchvision's Inception v3", "this project", "definition",
        features="torchvision-inception-v3", resize="clean",
    ),
    _pixels("psnr/skimage", "psnr", "PSNR of aligned pairs, RGB, data range 255", "fake", "real"),
    _pixels("ssim/skimage", "ssim", "SSIM of aligned pairs, 7 px window", "fake", "real"),
    _pixels(
        "background/psnr", "background_psnr",
        "PSNR of output against input outside the true mask grown by 2 px",
        "fake", "source", "mask",
    ),
    _pixels(
        "foreground/l1", "foreground_error",
        "mean absolute difference to the ideal inside the true mask, / 255",
        "fake", "ideal", "mask",
    ),
    _pixels(
        "attention/iou-0.5", "attention_iou",
        "intersection over union of attention >= 0.5 and the true mask", "attention", "mask",
    ),
    _pixels(
        "attention/auc", "attention_auc", "area under the ROC curve of the attention's pixels",
        "attention", "mask",
    ),
    _pixels(
        "attention/pointing", "attention_pointing",
        "pointing game: the attention's maximum lies in the true mask", "attention", "mask",
    ),
    _pixels("attention/mean", "attention_mean", "mean of the attention map", "attention"),
    Protocol(
        "cls/photos2labels", "segmentation", "nearest palette colour of made label maps at 256 px "
        "(or @N) against labelIds: pixel and class accuracy, class IoU", "CycleGAN, pix2pix",
        "reported by an author; the resolution is assumed", estimator="cls/photos2labels", sides=(),
        settings={"resolution": 256},
        caution="void is never predicted; ground truth from labelIds, not from colours",
    ),
    Protocol(
        "fcn/labels2photos", "segmentation", "the same scores of maps that the FCN-8s of pix2pix "
        "predicts from made photos; FAKE holds its predictions as trainIds, 1024 x 2048 px",
        "pix2pix, CycleGAN", "verified", estimator="fcn/labels2photos", sides=(),
        needs=("fake", "real", "source"),
        caution="--source holds its predictions from the real photos, which must reach about 0.80",
    ),
    Protocol(
        "pref/fool", "preference", "share of made images that people call real",
        "`replicate preference`", "definition", needs=(), sides=(), scale=100,
        reason="people answer: make a page with `replicate preference make fool`",
    ),
    Protocol(
        "pref/best-of-n", "preference", "share of trials in which people choose the method",
        "`replicate preference`", "definition", needs=(), sides=(), scale=100,
        reason="people answer: make a page with `replicate preference make best-of-n`",
    ),
    Protocol(
        "pref/pair", "preference", "share of trials in which people prefer one of two methods",
        "`replicate preference`", "definition", needs=(), sides=(), scale=100,
        reason="people answer: make a page with `replicate preference make pair`",
    ),
    _printed(
        "kid/ugatit-printed", "kid", "KID x 100 of U-GAT-IT, Tables 1 and 3", "U-GAT-IT",
        "verified as printed", "the paper does not say which KID it prints",
    ),
    _printed(
        "kid/aggan-printed", "kid", "KID x 100 of AGGAN, Table 1", "AGGAN", "recalled",
        "splits, scale and sides are not stated in a text that we could access",
    ),
    _printed(
        "kid/ag-table4", "kid", "KID x 100 of AttentionGAN, Table IV", "AttentionGAN", "uncertain",
        "its baselines are U-GAT-IT's, so the same unstated score",
    ),
    _printed(
        "kid/ag-h2z", "kid", "KID x 100 of AttentionGAN on horse2zebra and apple2orange",
        "AttentionGAN", "uncertain", "function and image sets are not stated",
    ),
    _printed(
        "kid/asgit-target", "kid", "'Target KID' of spatial guidance, supplement, Table 1",
        "Attention-Based Spatial Guidance", "verified as printed",
        "estimator and scale are not stated; the text once calls the same table 'Target FID'",
    ),
    _printed(
        "fid/mmgen", "fid", "FID in the READMEs of mmgeneration", "mmgeneration", "reported",
        "their own evaluation of official and own weights",
    ),
    _printed(
        "fid/ttur", "fid", "FID with the code of TTUR", "AttentionGAN's README", "verified",
        "the image sets are not stated",
    ),
    _printed(
        "psnr/attentiongan", "psnr", "PSNR on pairs of AR Face, Table II", "AttentionGAN",
        "uncertain", "colour space, averaging and size are not stated",
    ),
    _printed(
        "amt/attentiongan", "preference", "share of made images called real, Table II",
        "AttentionGAN", "uncertain", "people answered, under conditions that are not stated",
    ),
    _printed(
        "pref/attentiongan", "preference", "best of five, Table III", "AttentionGAN",
        "verified as shares", "people answered, under conditions that are not stated",
    ),
    _printed(
        "pref/ugatit", "preference", "best of five, Table 2", "U-GAT-IT", "verified as shares",
        "135 people answered, under conditions that are not stated",
    ),
    _printed(
        "params/ag-table5", "parameters", "parameters of all models for m = 8 domains, Table V",
        "AttentionGAN", "verified or uncertain, row by row",
        "no score of images: `replicate params` counts networks",
    ),
)  # fmt: skip

# What a run is scored with. kid/torch-fidelity is not among them: its subsets of 1,000 are larger
# than the test sets of every paper here.
_DEFAULT = {
    "kid/efficientnet-lite0", "fid/efficientnet-lite0", "class-rate/efficientnet-lite0",
    "class-probability/efficientnet-lite0",
    "kid/standin", "fid/standin", "kid/clean", "fid/clean", "fid/torch-fidelity", "kid/inception",
    "kid/subsets", "fid/inception", "kid/gm-target", "fid/gm", "kid/gm-mean098", "kid/aggan-mean",
    "fid/aggan-mean", "psnr/skimage", "ssim/skimage", "background/psnr", "foreground/l1",
    "attention/iou-0.5", "attention/auc", "attention/pointing", "attention/mean",
}  # fmt: skip

# Scores of runs only, because older records have them; folders are scored by a real network.
OF_RECORDS = ("kid/standin", "fid/standin")

PROTOCOLS = {p.id: replace(p, default=p.id in _DEFAULT) for p in _LIST}
