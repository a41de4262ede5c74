"""Official checkpoints as ours: by maps of names, strictly, and without running what they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from replicate import files, repro
from replicate.errors import ReplicateError
from replicate.lab.run import Run
from replicate.methods import METHODS
from replicate.methods.base import DIRECTIONS
from replicate.metrics.weights import described, kind_of
from replicate.paths import shown
from replicate.weights import building, maps
from replicate.weights.maps import Checkpoints, Part
from replicate.weights.stored import Card

SHOWN = 3  # names in an error
PARALLEL = "module."  # before every name of a network that several GPUs trained
Tensors = Mapping[str, Tensor]


def convert(
    run: Run,
    named: Sequence[tuple[str, Path]],
    direction: str = "",
    domains: tuple[str, str] = ("A", "B"),
) -> tuple[dict[str, Tensor], Card]:
    """The tensors of official files under our names, and their card.

    Args:
        run: what they are of: its method, variant and settings decide names and shapes.
        named: the files, each with the part that it is, or "" where its name or content tells.
        direction: "AB" or "BA", of a file that holds one generator and does not say which.
        domains: the names of A and B.

    Raises:
        ReplicateError: a file is none of tensors, cut short, or would have to run code; a tensor
            has no place, is missing, or has another shape; no file can translate.
    """
    known = maps.load(run.method)
    with repro.shapes_only():
        method = METHODS[run.method](run.config)
    state = method.state_dict()
    tensors: dict[str, Tensor] = {}
    for part, path in named:
        for name, content in _parts(known, part, path).items():
            network = _network(known.parts[name], name, direction)
            ours = building.belonging(state, [network])
            if not ours:
                raise ReplicateError(
                    f"{run.method} has no network {network} with these settings, of which "
                    f"{shown(path)} is the {name}; expected another variant"
                )
            if any(tensor in tensors for tensor in ours):
                raise ReplicateError(f"{shown(path)}: {name} is there twice; expected each once")
            inside = {tensor[len(network) + 1 :]: state[tensor] for tensor in ours}
            placed = _placed(known, known.parts[name], content, inside, f"{shown(path)}, {name}")
            tensors |= {f"{network}.{tensor}": value for tensor, value in placed.items()}
    ways = tuple(way for way in DIRECTIONS if _translates(method, tensors, way))
    if not ways:
        raise ReplicateError(
            f"{', '.join(shown(path) for _, path in named)}: no generator of {run.method} among "
            f"these; expected one of {', '.join(known.parts)}"
        )
    digests = {path.name: files.sha256(path) for _, path in named}
    card = Card(
        run.method, run.label, asdict(run.config), run.dataset, domains, "official", ways,
        source={"code": known.source, "sha256": digests}, licence=known.licence,
    )  # fmt: skip
    return tensors, card


def read(path: Path) -> dict[str, Tensor] | dict[str, dict[str, Tensor]]:
    """What a file of torch.save holds: tensors by name, or several networks of those.

    Raises:
        ReplicateError: it is cut short, something else, or would have to run code.
    """
    if not path.is_file():
        raise ReplicateError(f"{shown(path)} is no file; expected an official checkpoint")
    size = path.stat().st_size
    if kind := kind_of(path):
        raise ReplicateError(f"{shown(path)} is {kind}, expected a state dict saved by torch.save")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or foreign pickle raises anything
        said = str(error)
        if "Unsupported global" in said or "Unsupported operand" in said or "weights_only" in said:
            named = said.partition("GLOBAL ")[2].split(" ")[0]
            what = f"{named}, " if named else ""
            raise ReplicateError(
                f"{shown(path)} holds more than tensors ({what}pickled code that loading would "
                "run), so it is not loaded; expected a state dict: save the network's "
                "state_dict() alone, where you trust the file"
            ) from None
        reason = said.split("\n")[0].partition(". ")[0] or type(error).__name__
        raise ReplicateError(
            f"{shown(path)} ({size} bytes) cannot be read as a state dict: {reason}; it is cut "
            "short or no file of torch.save: get it anew"
        ) from None
    if isinstance(state, dict) and state:
        if all(isinstance(value, Tensor) for value in state.values()):
            return _plain(state)
        if all(_is_state(value) for value in state.values()):
            return {key: _plain(value) for key, value in state.items()}
    raise ReplicateError(
        f"{shown(path)} holds {described(state)}, expected tensors by name, or networks by name"
    )


def _is_state(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(v, Tensor) for v in value.values())


def _plain(state: Tensors) -> dict[str, Tensor]:
    """Without the prefix of networks that several GPUs trained."""
    if all(name.startswith(PARALLEL) for name in state):
        return {name.removeprefix(PARALLEL): value for name, value in state.items()}
    return dict(state)


def _parts(known: Checkpoints, part: str, path: Path) -> dict[str, dict[str, Tensor]]:
    """The networks in a file, by the names that the maps have for them."""
    state = read(path)
    if not all(isinstance(value, Tensor) for value in state.values()):
        if unknown := [name for name in state if name not in known.parts]:
            raise ReplicateError(
                f"{shown(path)} holds the networks {', '.join(state)}, of which "
                f"{', '.join(unknown)} is none of this method's; expected {', '.join(known.parts)}"
            )
        return state
    ends = [name for name in known.parts if path.stem.endswith(name)]
    part = part or max(ends, key=len, default=known.alone)
    if part not in known.parts:
        raise ReplicateError(
            f"{shown(path)}: {f'{part!r} is no part' if part else 'its name tells no part'} of "
            f"this method's checkpoints; write PART={path.name}, where PART is one of "
            f"{', '.join(known.parts)}"
        )
    return {part: state}


def _network(part: Part, name: str, direction: str) -> str:
    if "{" in part.network and not direction:
        raise ReplicateError(
            f"{name} translates in one direction and does not say which; name it with --direction"
        )
    network = part.network.replace("{direction}", direction)
    return network.replace("{source}", direction[:1]).replace("{target}", direction[1:])


def _placed(
    known: Checkpoints, part: Part, content: Tensors, ours: Tensors, place: str
) -> dict[str, Tensor]:
    """The tensors of one network by our names, by the first of its maps that fits."""
    least: list[str] = []
    for name in part.names:
        expanded = maps.expand(known.names[name], known.counts[name], ours)
        placed, problems = _by_map(known, expanded, content, ours)
        if not problems:
            return placed
        if not least or len(problems) < len(least):
            least = problems
    raise ReplicateError(
        f"{place}: not the weights of this network: {'; '.join(least)}. Expected every tensor used "
        f"once, as of {known.source}: name another METHOD:VARIANT, a setting with --set, or get "
        "the file anew"
    )


def _by_map(
    known: Checkpoints, expanded: Mapping[str, str], content: Tensors, ours: Tensors
) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors that a map places, and what is wrong with them."""
    placed: dict[str, Tensor] = {}
    left, other = [], []
    for name, value in content.items():
        mine = maps.target(name, expanded)
        if name.endswith(known.ignored) and mine not in ours:
            continue
        if mine not in ours or mine in placed:
            left.append(name)
            continue
        if value.shape != ours[mine].shape:
            shapes = tuple(value.shape), tuple(ours[mine].shape)
            other.append(f"{name} has shape {shapes[0]}, expected {shapes[1]}")
        placed[mine] = value
    for name in ours:
        if name not in placed and name.endswith(known.optional) and known.optional:
            placed[name] = torch.zeros(ours[name].shape, dtype=ours[name].dtype)
    lacking = [name for name in ours if name not in placed]
    problems = [
        left and f"{len(left)} left over ({_some(left)})",
        lacking and f"{len(lacking)} missing (ours: {_some(lacking)})",
        other and f"{len(other)} of another shape ({other[0]})",
    ]
    return placed, [text for text in problems if text]


def _translates(method, tensors: Tensors, way: str) -> bool:
    """Whether there are weights of every network that translating one way runs through."""
    needed = building.used(method, [way])
    return all(building.belonging(tensors, [network]) for network in needed)


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
