"""A method for translating, made of weights; and which of a method's networks translating needs."""

from collections.abc import Iterable
from contextlib import nullcontext, suppress

import torch
from torch import Tensor, nn

from replicate import repro, settings
from replicate.datasets import captions
from replicate.errors import ReplicateError
from replicate.methods import METHODS
from replicate.methods.base import DIRECTIONS, Config, Method
from replicate.weights.stored import Card

SHOWN = 3  # names in an error


def config_of(card: Card) -> Config:
    """The configuration on a card, checked as that of any run; what it lacks has its default.

    Raises:
        UnknownName, ReplicateError: no such method or setting here, or a value out of range.
    """
    kind = METHODS[card.method].Config
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in card.config.items()}
    for key in values:
        settings.read(kind, key, values[key])
    config = kind(**values)
    METHODS[card.method].check(config)
    return config


def networks(method: Method) -> dict[str, nn.Module]:
    """What a method trains, by the begin of its tensors' names: "G.AB", or "G" of a single one."""
    by_name = {}
    for name, child in method.named_children():
        inner = child.items() if isinstance(child, nn.ModuleDict) else [("", child)]
        by_name |= {f"{name}.{key}" if key else name: network for key, network in inner}
    return {name: child for name, child in by_name.items() if list(child.parameters())}


def example(method: Method, device: torch.device) -> Tensor:
    """One input of `Method.translate`: an image, or a sentence."""
    if method.takes == "sentences":
        return torch.from_numpy(captions.encode(["a picture"])).to(device)
    side = method.config.crop_size
    return torch.linspace(-1, 1, 3 * side * side, device=device).reshape(1, 3, side, side)


@torch.no_grad()
def used(method: Method, directions: Iterable[str] = DIRECTIONS) -> set[str]:
    """The networks that translating in these directions runs through.

    Raises:
        ReplicateError: what they are does not decide the translation alone, so that a file of them
            would be worth nothing.
    """
    method.eval()
    called: set[str] = set()
    handles = [
        layer.register_forward_pre_hook(lambda *_, name=name: called.add(name))
        for name, network in networks(method).items()
        for layer in network.modules()
    ]
    device = next(method.parameters()).device
    x, made = example(method, device), {}
    try:
        for way in directions:
            # on "meta", without values, up to what a translation computes of the pixels' values
            with suppress(NotImplementedError) if x.is_meta else nullcontext():
                made[way] = method.translate(x, way).image
    finally:
        for handle in handles:
            handle.remove()
    if device.type != "meta":
        _check_enough(method, called, x, made)
    return called


def _check_enough(method: Method, called: set[str], x: Tensor, made: dict[str, Tensor]) -> None:
    """The same translations must come of the called networks alone, all others being no numbers."""
    others = [n for name, n in networks(method).items() if name not in called]
    tensors = [p for network in others for p in network.parameters()]
    values = [tensor.detach().clone() for tensor in tensors]
    for tensor in tensors:
        tensor.fill_(float("nan"))
    try:
        equal = all(torch.equal(method.translate(x, way).image, y) for way, y in made.items())
    finally:
        for tensor, value in zip(tensors, values, strict=True):
            tensor.copy_(value)
    if not equal:
        raise ReplicateError(
            f"{method.name}: translating reads weights of a network that it does not call; "
            "expected networks to be called as modules, so that it shows which ones are needed"
        )


def belonging(names: Iterable[str], prefixes: Iterable[str]) -> list[str]:
    """The names of tensors that lie in one of these networks."""
    starts = tuple(f"{prefix}." for prefix in prefixes)
    return [name for name in names if name.startswith(starts)]


def to_keep(method: Method, directions: Iterable[str] = DIRECTIONS) -> dict[str, Tensor]:
    """The tensors that translating needs: of the networks that it calls, and of the method itself.

    Image pools are left out, and of memories what serves training alone.
    """
    state = method.state_dict()
    wanted = {*belonging(state, used(method, directions)), *_outside(method)}
    return {name: tensor for name, tensor in state.items() if name in wanted}


def build(card: Card, tensors: dict[str, Tensor], device: torch.device) -> Method:
    """The method in evaluation mode, with these weights; networks without any are left out.

    Raises:
        ReplicateError: tensors are missing, left over, or of other shapes.
    """
    config = config_of(card)
    with repro.shapes_only():
        method = METHODS[card.method](config)
    check(card, method, tensors)
    method.load_state_dict(tensors, strict=False, assign=True)
    needed = _present(tensors, method)
    incomplete = [
        name
        for name, network in networks(method).items()
        if name in needed and any(t.is_meta for t in _all(network))
    ]
    if incomplete:  # a buffer that no file holds, such as a fixed grid: made by building in full
        method = METHODS[card.method](config)
        method.load_state_dict(tensors, strict=False)
    for name, network in networks(method).items():
        if name in needed:
            network.to(device)
        else:
            _leave_out(method, name)
    for name in _outside(method):
        place, _, buffer = name.rpartition(".")
        owner = method.get_submodule(place)
        setattr(owner, buffer, getattr(owner, buffer).to(device))
    method.eval()
    for parameter in method.parameters():
        parameter.requires_grad_(False)
    return method


def _leave_out(method: Method, name: str) -> None:
    """Takes a network away, so that whoever asks for the method's device sees one that has it."""
    child, _, key = name.partition(".")
    if key:
        del getattr(method, child)[key]
    else:
        setattr(method, child, None)


def check(card: Card, method: Method, tensors: dict[str, Tensor]) -> None:
    """Nothing, or the error for tensors that are not those of the card's networks.

    Of every network of which one tensor is there, all must be, and nothing else.
    """
    state = method.state_dict()
    wanted = [*belonging(state, _present(tensors, method)), *_outside(method)]
    lacking = [name for name in wanted if name not in tensors]
    surplus = [name for name in tensors if name not in state]
    other = [
        f"{name} has shape {tuple(tensors[name].shape)}, expected {tuple(state[name].shape)}"
        for name in wanted
        if name in tensors and tensors[name].shape != state[name].shape
    ]
    problems = [
        lacking and f"{len(lacking)} missing ({_some(lacking)})",
        surplus and f"{len(surplus)} left over ({_some(surplus)})",
        other and f"{len(other)} of another shape ({other[0]})",
    ]
    if faults := [p for p in problems if p]:
        raise ReplicateError(
            f"not the weights of {card.name}: {', '.join(faults)}; expected every tensor of every "
            "network once. Name another method, variant or setting, or get the file anew"
        )


def _present(tensors: Iterable[str], method: Method) -> set[str]:
    return {name for name in networks(method) if belonging(tensors, [name])}


def _outside(method: Method) -> list[str]:
    """The buffers that lie in no network, such as statistics that `setup` gathered.

    Of modules without parameters those that they declare in `read_in_translation`.
    """
    return [name for name in method.state_dict() if "." not in name] + [
        f"{place}.{name}"
        for place, module in method.named_modules()
        for name in getattr(module, "read_in_translation", ())
    ]


def _all(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
