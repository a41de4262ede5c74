"""Which values a setting may have: declared with its field, checked here and nowhere else.

The fields of a `Config` are annotated with the kinds below, or with `Literal` for a text, whose
list of values it is.
"""

from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from replicate.errors import ReplicateError, unknown

SIDES = range(8, 4097)  # px; what images are packed at

Side = Annotated[int, Field(ge=SIDES.start, lt=SIDES.stop)]  # px, of an image
Count = Annotated[int, Field(ge=1, le=100_000)]  # of channels, images in a batch
Several = Annotated[int, Field(ge=2, le=100_000)]
Depth = Annotated[int, Field(ge=1, le=100)]  # of layers or blocks
Number = Annotated[int, Field(ge=0, le=100_000)]  # of what there may be none of
Length = Annotated[int, Field(ge=1, le=1_000_000_000)]  # steps or epochs
Epoch = Annotated[int, Field(ge=0, le=1_000_000_000)]  # from which something changes
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]  # of a loss
Beta = Annotated[float, Field(ge=0, lt=1)]  # of Adam
Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
HalfSide = Annotated[float, Field(gt=0, le=0.5)]  # of the image's side
Start = Annotated[str, Field(pattern=r"^([0-9a-f]{8}-[0-9]+)?$")]  # of a run by another's weights
Seed = Annotated[int, Field(ge=0, lt=2**63)]  # what torch and a column of integers take

_RANGES = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"}


def read(config: type, key: str, value: object) -> object:
    """`value` as the field `key` of a configuration declares it; text is converted.

    Raises:
        UnknownName: no such field, or no such value of a text; the closest match is named.
        ReplicateError: a value of the wrong type, or outside the field's range.
    """
    hints = _hints(config)
    if key not in hints:
        raise unknown("setting", key, hints)
    example = getattr(config, key, None)  # the default; a class need not have one
    return check(key, hints[key], value, example)


def check_fields(config: object) -> None:
    """Refuses a configuration with a value outside its field's range; raises what `read` does."""
    for key in _hints(type(config)):
        read(type(config), key, getattr(config, key))


def check(name: str, hint: object, value: object, example: object = None) -> object:
    """`value`, or what its text stands for, if it is one of `hint`; raises what `read` does.

    Args:
        name: of the value, for the error.
        example: a right value, for the error.
    """
    kinds = _kinds(hint)
    if value in (None, "None", "none") and NoneType in kinds:
        return None
    try:
        if isinstance(value, str):
            return _adapter(hint).validate_strings(value)
        return _adapter(hint).validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
    if choices := [choice for kind in kinds for choice in _choices(kind)]:
        raise unknown(name, value, choices)
    wanted = words(hint)
    if first["type"] in _RANGES:
        wanted += f", {first['msg'].removeprefix('Input should be ')}"
    shown = "" if example is None else f", e.g. {name}={example}"
    raise ReplicateError(f"{name}={value!r}: expected {wanted}{shown}")


@cache
def _hints(config: type) -> dict[str, object]:
    hints = get_type_hints(config, include_extras=True)
    return {field.name: hints[field.name] for field in fields(config)}


@cache
def _adapter(hint: object) -> TypeAdapter:
    return TypeAdapter(hint)


def _kinds(hint: object) -> tuple[object, ...]:
    """The members of a union, or `hint` alone."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _choices(kind: object) -> tuple[str, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def words(hint: object) -> str:
    """An annotation as errors print it, without its range: `int or none`, `list[str]`."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is NoneType:
        return "none"
    if origin is Annotated:
        return words(inner[0])
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if origin in (Union, UnionType):
        return " or ".join(map(words, inner))
    name = getattr(hint, "__name__", str(hint))
    return f"{name}[{', '.join(map(words, inner))}]" if inner else name
