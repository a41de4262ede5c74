"""A method with trained weights: what notebooks, scripts and the command line translate with."""

import inspect
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from replicate import devices
from replicate.datasets import captions, directions
from replicate.errors import ReplicateError
from replicate.evaluation import to_uint8
from replicate.images import read, read_open, rgb
from replicate.methods import METHODS
from replicate.methods.base import Method
from replicate.translating import fitting
from replicate.translating.fitting import Made
from replicate.weights.finding import find
from replicate.weights.stored import Card

NATIVE = "native"  # in place of a size
# What some methods take besides the image; each an option of `replicate translate`.
CHOICES = ("label", "style", "seed")
Picture = Image.Image | np.ndarray | Path | str


@dataclass(frozen=True)
class Model:
    """Trained weights that translate; make it with `load`.

    Attributes:
        method: in evaluation mode, on `device`.
        card: what the weights are.
    """

    method: Method
    card: Card
    device: torch.device

    @property
    def size(self) -> int:
        """px; the side at which it was trained and is scored."""
        return self.method.config.scored_size

    @property
    def directions(self) -> list[str]:
        """What it translates, in words: `horse->zebra`."""
        return directions_of(self.card)

    def words(self, way: str) -> str:
        """`horse->zebra` for "AB"."""
        return directions.in_words(way, self.card.domains)

    def __repr__(self) -> str:
        known = ", ".join(self.directions)
        return f"{self.card.name} at {self.size} px: {known}"

    def translate(
        self,
        image: Picture,
        direction: str = "",
        size: int | str | None = None,
        fit: str = "pad",
        **choices: object,
    ) -> Image.Image:
        """The translation of a picture, in its size and orientation; a notebook shows it.

        Args:
            image: a file, a Pillow image, or (H, W, 3) uint8; for a method that draws from
                sentences, a sentence, and then `size` and `fit` do not matter.
            direction: `horse->zebra`, or "AB"; empty: the first that the weights have.
            size: px, of the square that the network sees; None: the method's own; "native": the
                picture as it is, where the network is convolutional throughout.
            fit: as of `fitting.fitted`; it does not matter at size "native".
            choices: `label`, `style` and `seed` where the method has them.

        Raises:
            Undecodable: the file is no image.
            UnknownName, ReplicateError: no such direction, size, fit or choice.
        """
        return rgb(self.made(image, direction, size, fit, **choices).image)

    def attention(self, image: Picture, direction: str = "", **how: object) -> Image.Image:
        """Where the method looks or repaints: white 1, black 0; arguments as of `translate`.

        Raises:
            ReplicateError: the method has no attention, or as of `translate`.
        """
        seen = self.made(image, direction, **how).attention
        if seen is None:
            raise ReplicateError(
                f"{self.card.name} has no attention map; expected a method that has"
            )
        return grey(seen)

    def made(
        self,
        image: Picture,
        direction: str = "",
        size: int | str | None = None,
        fit: str = "pad",
        **choices: object,
    ) -> Made:
        """Translation and attention map as arrays; arguments as of `translate`."""
        way = self.letters(direction)
        options = self._options(choices)
        if self.method.takes == "sentences":
            return self._drawn(image, way, options)
        pixels = pixels_of(image)

        def network(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
            return self._forward(batch, way, options)

        if size == NATIVE:
            return fitting.native(pixels, network)
        return fitting.fitted(pixels, self.side(size), fit, network)

    @torch.no_grad()
    def _drawn(self, sentence: Picture, way: str, options: dict[str, object]) -> Made:
        if not isinstance(sentence, str):
            raise ReplicateError(
                f"{self.card.name} draws from sentences, found {type(sentence).__name__}; expected "
                "a text, such as 'a striped red star on grass, at the top left'"
            )
        tokens = torch.from_numpy(captions.encode([sentence])).to(self.device)
        drawn = self.method.translate(tokens, way, **options)
        seen = drawn.attention
        attention = None if seen is None else seen[0].float().mean(0).cpu().numpy()
        return Made(to_uint8(drawn.image)[0], attention)

    def letters(self, direction: str) -> str:
        """ "AB" or "BA"; of many domains any two letters.

        Raises:
            UnknownName, ReplicateError: no such direction, or one without weights here.
        """
        if not direction:
            return self.card.directions[0]
        way = directions.in_letters(direction, self.card.domains)
        if way not in self.card.directions:
            raise ReplicateError(
                f"{self.card.name} has no weights for {direction}; expected "
                f"{' or '.join(self.directions)}"
            )
        return way

    def side(self, size: int | str | None) -> int:
        """px; of the square that the network sees."""
        if size is None:
            return self.size
        if isinstance(size, str) and size.isdecimal():
            size = int(size)
        if isinstance(size, str) or not 8 <= size <= 8192:
            raise ReplicateError(
                f"size={size}: expected px from 8 to 8192, or {NATIVE!r} for pictures as they are"
            )
        return size

    def _options(self, choices: dict[str, object]) -> dict[str, object]:
        known = inspect.signature(self.method.translate).parameters
        options = {key: value for key, value in choices.items() if value is not None}
        for key in options:
            if key not in known:
                has = [name for name in CHOICES if name in known]
                raise ReplicateError(
                    f"{key}: {self.card.method} has none; it takes {', '.join(has) or 'no choices'}"
                )
        return options

    @torch.no_grad()
    def _forward(
        self, batch: np.ndarray, way: str, options: dict[str, object]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        x = torch.from_numpy(batch.copy()).to(self.device)
        x = x.permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1.0)
        try:
            made = self.method.translate(x, way, **options)
        except RuntimeError as error:
            shapes = tuple(batch.shape[1:3])
            if shapes == (self.size, self.size) or "size" not in str(error):
                raise
            raise NetworkSize(str(error), shapes, self.size) from error
        seen = made.attention
        maps = None if seen is None else seen.float().mean(1).cpu().numpy()
        return to_uint8(made.image), maps


class NetworkSize(ReplicateError, RuntimeError):
    """A network that takes images of another size alone."""

    def __init__(self, reason: str, shape: tuple[int, int], size: int) -> None:
        height, width = shape
        super().__init__(
            f"the network does not take {width}x{height} px ({reason.partition(chr(10))[0]}); "
            f"expected its own size, {size} px: leave --size out"
        )


def directions_of(card: Card) -> list[str]:
    """`horse->zebra` for each direction that the weights of a card translate."""
    return [directions.in_words(way, card.domains) for way in card.directions]


def load(name: str, weights: str | Path | None = None, device: str = "cpu") -> Model:
    """A model, on a device.

    Args:
        name: what `finding.find` takes, such as METHOD@DATASET, a run or a file; with `weights`,
            METHOD[:VARIANT], which they must be of.
        weights: a file, a run or a name.
        device: one of `devices.known()`.

    Raises:
        UnknownName, ReplicateError: no such model, damaged weights, or those of another method.
    """
    place = devices.find(device)
    alone = weights is None and re.split("[:+]", name)[0] in METHODS and "@" not in name
    if alone and not Path(name).exists():
        raise ReplicateError(
            f"{name} is a method without weights; name some, as METHOD@DATASET, or with "
            "weights=FILE: `replicate weights list` shows what there is"
        )
    method, card = find(str(weights or name)).load(place)
    if weights is not None and card.label != name:
        raise ReplicateError(f"{weights} holds weights of {card.label}, expected those of {name}")
    return Model(method, card, place)


def grey(attention: np.ndarray) -> Image.Image:
    """A map in [0, 1] as a picture, never stretched."""
    return Image.fromarray((attention * 255).round().astype(np.uint8))


def pixels_of(image: Picture) -> np.ndarray:
    """(H, W, 3) uint8."""
    if isinstance(image, str | Path):
        return read(Path(image).expanduser())
    if isinstance(image, Image.Image):
        return read_open(image)
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ReplicateError(
            f"an array of shape {pixels.shape}, {pixels.dtype}; expected (H, W, 3), uint8"
        )
    return pixels
