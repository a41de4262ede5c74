"""What a method is: networks, optimisers, a schedule, one update step, one translation."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from replicate import settings
from replicate.errors import ReplicateError
from replicate.losses import LEAST_SQUARES, AdversarialScale
from replicate.registry import Registry

METHODS: Registry[type["Method"]] = Registry("method")

FILTERS = ("bicubic", "bilinear")
Batch = Mapping[str, Tensor]
Losses = dict[str, Tensor | None]
DIRECTIONS = ("AB", "BA")


class Deviation(NamedTuple):
    """One difference between a paper, its official code and this file."""

    slug: str  # "<method>/<what>", the anchor that tables and prose link to
    paper: str
    official: str
    choice: str  # what is done here, and why
    switch: str = ""  # the `Config` field, only where a table, an ablation or a claim uses it


def added(before: object, now: object = None) -> Any:
    """A field of a `Config` that came after runs were on record, with the value that those had.

    Where it has this value it is no part of a run's identity: runs on record stay what they are.

    Args:
        now: the default of today where it is another one; the budgets of runs on record must set
            `before` themselves.
    """
    return field(default=before if now is None else now, metadata={"before": before})


class Translation(NamedTuple):
    """What a method makes of an image: image (N, 3, H, W) in [-1, 1], attention (N, 1, H, W)."""

    image: Tensor
    attention: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Config:
    """What decides a run besides method, data set and seed; defaults: CycleGAN's data side."""

    # px; images are resized to this square once, when they are packed
    load_size: settings.Side = 286
    # px; a random crop for training; the test split is resized to it, uncropped
    crop_size: settings.Side = 256
    flip: bool = True  # mirror half of the training images
    batch_size: settings.Count = 1
    epochs: settings.Length = 200  # the length of the schedule, in epochs of the larger domain
    # squeezes the whole schedule into so many steps; None: epochs
    iterations: settings.Length | None = None
    # bf16: autocast of the convolutions; norms and losses stay fp32
    # and tf32: Ampere's and later GPUs round the factors of convolutions and products to 10 bits
    precision: Literal["fp32", "bf16", "tf32"] = "fp32"
    # serial: images in the order of their names, the same in every epoch
    order: Literal["shuffled", "serial"] = added("shuffled")
    # of training images, when they are packed; the test split is always resized bicubic
    resize: Literal[*FILTERS] = added("bicubic")
    # HASH-ITERATION of the run with whose weights this one begins; "" for a run from its start
    continued_from: settings.Start = field(default="", metadata={"before": ""})  # as of `added`
    # px; side at which whole test images are translated and scored; None: that of the crops
    test_size: settings.Side | None = added(None)  # noqa: RUF009

    @property
    def scored_size(self) -> int:
        """px; side of the test images, which are whole, however small the crops of training."""
        return self.test_size or self.crop_size


class Needs(NamedTuple):
    """What a method needs of a training set; a set without it is refused before training."""

    pairs: bool = False  # A[i] and B[i] show the same scene
    labels: bool = False  # a class of every image
    masks: bool = False  # where the object of every image is
    captions: bool = False  # a sentence about every image
    # images of a domain for which a memory has a place; of a larger set `memory` follows the set
    at_most: int | None = None
    # A and B of a batch each show one domain of a labelled set, two different ones at every step
    domain_pairs: bool = False
    smooth: bool = False  # B_smooth: the images of B with smoothed edges, made when they are packed
    frozen: str | None = None  # a published network that `receive` is given before training


class Method(nn.Module):
    """Base of all methods; a registered subclass lives in a file of its name.

    A subclass defines `Config`, `build`, `begin`, `step` and `translate`. Everything that a resume
    needs is in `state_dict` (networks, pools, memories as buffers) and in `optimizers`.

    Args:
        config: an instance of the subclass's `Config`.
    """

    name: ClassVar[str]  # file name = registered name = name in tables
    paper: ClassVar[str]  # key of the printed tables in data/reported/
    Config: ClassVar[type[Config]]
    VARIANTS: ClassVar[Mapping[str, Mapping[str, object]]] = {"paper": {}}
    SMOKE: ClassVar[Mapping[str, object]] = {}
    LAPTOP: ClassVar[Mapping[str, object]] = {}
    # by budget: what changes against LAPTOP where a set is photographs; see `Spec.photographs`
    PHOTOGRAPHS: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    # what `translate` is given: images, or sentences (N, L) as `captions.encode` makes them
    takes: ClassVar[Literal["images", "sentences"]] = "images"
    paired: ClassVar[bool] = False  # whether batch["A"] and batch["B"] must show the same scene
    attention_cell: ClassVar[int] = 1  # px; attention maps are constant on squares of this side
    baseline: ClassVar[bool] = False  # whether it stands beside every paper's methods in plots
    directions: ClassVar[tuple[str, ...]] = DIRECTIONS  # that it translates; ("AB",) is one-way
    # variants by the name of their discriminator, where it gives a map of what it judges by
    map_discriminators: ClassVar[Mapping[str, str]] = {}
    # whether one input has many translations: `translate` then takes `seed` and `target` as well
    multimodal: ClassVar[bool] = False
    # whether it translates between all domains of a set that has more than A and B: `translate`
    # then takes any two of their letters, such as "AD"
    many: ClassVar[bool] = False
    # whether it stands in for a method of which no source says enough: tables call it re-specified
    respecified: ClassVar[bool] = False
    # whether it translates images with the masks of their instances: its batches then hold maps of
    # them, "A_instances" and "B_instances", and `translate` takes one as `instances`
    by_instances: ClassVar[bool] = False

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.build(config)

    @classmethod
    def needs(cls, c: Config) -> Needs:
        """What a run with this configuration needs of its training set."""
        return Needs(pairs=cls.paired)

    @classmethod
    def adversarial_scale(cls, config: Mapping) -> AdversarialScale:
        """What the losses `dis_...` and `adv_...` are at both ends; health reads it.

        Args:
            config: the fields of a configuration, as `run.json` holds them.
        """
        return LEAST_SQUARES

    @classmethod
    def directions_of(cls, config: Mapping) -> tuple[str, ...]:
        """Those of `directions` that a run translates; of a built method it is `directions`.

        Args:
            config: the fields of a configuration, as `run.json` holds them.
        """
        return cls.directions

    @classmethod
    def one_size(cls, c: Config) -> str:
        """Why networks of this configuration take images of the crops' size alone; empty where
        they are convolutional and take any."""
        return ""

    @classmethod
    def check(cls, c: Config) -> None:
        """Refuses values that no run can have together; each is within its field's range.

        Called for every run that is asked for, so it makes no network.

        Raises:
            ReplicateError: naming the settings.
        """
        if c.crop_size > c.load_size:
            raise ReplicateError(
                f"crop_size={c.crop_size} with load_size={c.load_size}: expected a crop that is no "
                "larger than the image; change one of them"
            )
        if c.scored_size != c.crop_size and (reason := cls.one_size(c)):
            raise ReplicateError(
                f"test_size={c.test_size} with crop_size={c.crop_size}: {reason}; train and test "
                "at one size"
            )

    def build(self, c: Config) -> None:
        """Makes networks, image pools and named optimisers; called once, on the CPU."""
        raise NotImplementedError

    def setup(self, batches: Iterator[Batch]) -> None:
        """Gathers statistics or pretrains before the first iteration; its outcome is state."""

    def receive(self, network: nn.Module) -> None:
        """Takes the network that `needs` calls frozen, on this method's device, before training.

        It judges by its features and is neither trained, counted nor part of the state.
        """
        raise NotImplementedError

    def begin(self, iteration: int, iterations_per_epoch: float) -> None:
        """Sets learning rates and stage, a pure function of its arguments."""

    def step(self, batch: Batch) -> Losses:
        """One iteration in the paper's order of updates.

        Returns:
            Every loss by name, always the same names; None for one not computed this time.
        """
        raise NotImplementedError

    def translate(self, x: Tensor, direction: str) -> Translation:
        """The translation of (N, 3, H, W) in [-1, 1]; direction: one of `directions`.

        A method that `takes` sentences is given (N, L) uint8 and draws images of the crops' size.

        A `multimodal` method takes two more arguments, both optional. `seed` (0) chooses one random
        style for each image, which depends on that image and on nothing else in the batch: scores
        use 0, galleries and diversity several. `target`, (N, 3, H, W) images of the target domain,
        gives their styles instead.
        """
        raise NotImplementedError

    @classmethod
    def by_attributes(cls, c: Config) -> bool:
        """Whether labels are attributes, of which a translation changes one: `translate_to`."""
        return False

    @classmethod
    def by_masks(cls, c: Config) -> bool:
        """Whether `translate` is told where the object is: `mask`, (N, 1, H, W) of 0 and 1."""
        return False

    def translate_to(self, x: Tensor, label: Tensor) -> Translation:
        """Of a method of several domains: the translation of (N, 3, H, W) to labels (N, K)."""
        raise NotImplementedError

    def update(self, loss: Tensor, *names: str) -> None:
        """One backward pass, then a step of the named optimisers."""
        for name in names:
            self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        for name in names:
            self.optimizers[name].step()

    def set_lr(self, lr: float) -> None:
        """Gives every optimiser the learning rate `lr`."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = lr

    def counts(self) -> dict[str, int]:
        """Trainable parameters of one network of each kind: {"G": ..., "D": ...}."""
        kinds = {}
        for name, child in self.named_children():
            network = next(iter(child.values())) if isinstance(child, nn.ModuleDict) else child
            n = sum(p.numel() for p in network.parameters() if p.requires_grad)
            if n:
                kinds[name] = n
        return kinds


def register(paper: str) -> Callable[[type[Method]], type[Method]]:
    """A class decorator: enters a method under the name of its file, as a method of `paper`."""

    def enter(cls: type[Method]) -> type[Method]:
        cls.name, cls.paper = cls.__module__.rsplit(".", 1)[-1], paper
        return METHODS.register(cls.name)(cls)

    return enter


def check_multiple(c: Config, of: int) -> None:
    """Refuses crops that a generator would give back in another size."""
    for name, side in (("crop_size", c.crop_size), ("test_size", c.scored_size)):
        if side % of:
            raise ReplicateError(f"{name}={side}: expected a multiple of {of} px")


# How photographs train at budget laptop: on 64 px crops of 128 px images. Every weight and rate is
# the paper's, only sizes and steps are smaller; a method with a rate other than 2e-4 names it.
CROPS = {"load_size": 128, "crop_size": 64, "test_size": 128, "lr": 2e-4}
# At budget overnight: crops of nearly the whole image, as the papers have them.
WHOLE = {"load_size": 143, "crop_size": 128, "lr": 2e-4}


def check_room(c: Config, smallest: int) -> None:
    """Refuses more layers of a discriminator than the crop has room for.

    Args:
        smallest: px that `n_layers` need; 3 * 2**n_layers where two 4x4 convolutions of stride 1
            and padding 1 come after the halvings.
    """
    if c.crop_size < smallest:
        raise ReplicateError(
            f"n_layers={c.n_layers} at crop_size={c.crop_size}: expected a crop of {smallest} px "
            "or more, or fewer layers"
        )


def check_decay(c: Config, tail: int = 0) -> None:
    """Refuses a decay of the learning rate within no epoch; `tail` as of `linear_decay`."""
    if c.epochs == c.constant_epochs - tail:
        raise ReplicateError(
            f"epochs={c.epochs} with constant_epochs={c.constant_epochs}: no epoch is left in "
            f"which the learning rate falls; take constant_epochs={c.epochs // 2}, or more epochs"
        )


def per(keys: Iterable[str], make: Callable[[], nn.Module]) -> nn.ModuleDict:
    """One network for each key, each with weights of its own."""
    return nn.ModuleDict({key: make() for key in keys})


def adam(lr: float, beta1: float, *modules: nn.Module) -> torch.optim.Adam:
    """Adam over the parameters of `modules`, beta2 0.999, eps 1e-8."""
    parameters = [p for m in modules for p in m.parameters() if p.requires_grad]
    return torch.optim.Adam(parameters, lr=lr, betas=(beta1, 0.999))


def decayed_adam(
    lr: float, beta1: float, weight_decay: float, *modules: nn.Module
) -> torch.optim.Adam:
    """`adam` with weight decay as part of the gradient: weight_decay * parameter is added to it."""
    optimizer = adam(lr, beta1, *modules)
    for group in optimizer.param_groups:
        group["weight_decay"] = weight_decay
    return optimizer


def clip_gradient(optimizer: torch.optim.Optimizer, norm: float) -> None:
    """From now on shortens the gradient of all its parameters to `norm` before every step."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]

    def clip(*_: object) -> None:
        clip_grad_norm_(parameters, norm)

    optimizer.register_step_pre_hook(clip)


def halving(iteration: int, iterations_per_epoch: float, epochs: int) -> float:
    """A factor of the learning rate: halved every `epochs` epochs; 1 for ever where that is 0.

    The step is counted before the update, as where PyTorch's StepLR is stepped first: the last
    iteration before a whole number of periods has the next one's rate.
    """
    if epochs == 0:
        return 1.0
    return 0.5 ** int((iteration + 1) / (iterations_per_epoch * epochs))


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Inside, gradients flow through `modules` but not into their parameters."""
    parameters = [p for m in modules for p in m.parameters() if p.requires_grad]
    for p in parameters:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in parameters:
            p.requires_grad_(True)


def linear_decay(epoch: int, constant: int, total: int, tail: int = 0) -> float:
    """A factor of the learning rate: 1 for `constant` epochs, then linear towards 0.

    Args:
        epoch: from 0.
        constant: epochs at 1.
        total: epochs in all.
        tail: 1 for PyTorch CycleGAN's form, 1 - max(0, e + 1 - constant) / (total - constant + 1),
            which ends above 0 (models/networks.py:53-55); 0 for AGGAN's, which starts to fall
            one epoch later (its main.py:395-399).
    """
    return 1 - max(0, epoch + tail - constant) / (total - constant + tail)
