"""The register of deviations is whole: no switch of a method without an entry."""

import re
from dataclasses import dataclass, fields, make_dataclass

import pytest

from replicate import paths, reported
from replicate.methods import METHODS
from replicate.methods.base import Config, Method
from replicate.report.tables import registers
from replicate.report.tables.registers import entries, methods

NAMES = methods()


def switches(method: type[Method]) -> set[str]:
    """The fields of a method's own that a variant changes, or whose default is no number."""
    shared = {field.name for field in fields(Config)}
    own = {field.name: field.default for field in fields(method.Config) if field.name not in shared}
    changed = {name for changes in method.VARIANTS.values() for name in changes}
    choices = {name for name, default in own.items() if not is_number(default)}
    return (changed & set(own)) | choices


def is_number(default: object) -> bool:
    return isinstance(default, int | float) and not isinstance(default, bool)


@pytest.mark.parametrize("name", NAMES)
def test_every_switch_has_an_entry(name):
    explained = {entry.switch for entry in entries(name)}
    lacking = sorted(switches(METHODS[name]) - explained)
    assert lacking == [], (
        f"{name}: no entry names the switch {lacking}; add one to data/deviations/{name}.toml"
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_variant_is_switched_by_something_with_an_entry(name):
    explained = {entry.switch for entry in entries(name)}
    for variant, changes in METHODS[name].VARIANTS.items():
        assert variant == "paper" or set(changes) & explained, f"{name}:{variant} has no entry"


@pytest.mark.parametrize("name", NAMES)
def test_entries_are_of_their_method_whole_and_of_fields_that_exist(name):
    found, known = entries(name), {f.name for f in fields(METHODS[name].Config)} | {""}
    assert len({entry.slug for entry in found}) == len(found) > 0
    for entry in found:
        assert re.fullmatch(rf"{name}/[a-z0-9-]+", entry.slug) and entry.switch in known
        assert entry.paper and entry.official and entry.choice


def test_what_counts_as_a_switch():
    own = [("gain", float, 1.0), ("norm", str, "in"), ("fast", bool, False), ("cap", object, None)]
    config = make_dataclass("C", own, bases=(Config,), frozen=True, kw_only=True)

    @dataclass
    class Toy:
        Config = config
        VARIANTS = {"paper": {}, "long": {"epochs": 9}}

    # not `epochs`: how long, how large and how mixed is a budget's business, of every method alike
    assert switches(Toy) == {"norm", "fast", "cap"}
    Toy.VARIANTS = {"paper": {}, "loud": {"gain": 2.0}}
    assert switches(Toy) == {"norm", "fast", "cap", "gain"}


def test_the_page_has_every_entry_once_with_its_variants():
    frame = registers.register()
    assert frame["id"].is_unique and len(frame) == sum(len(entries(name)) for name in NAMES)
    assert (frame != "").all(axis=None)
    shown = frame.set_index("id").loc["spatial_guidance/attention"]
    variants = "`tam`, `tam-alpha`, `tam-released`, `tam-source-alpha`"
    assert (shown["switch"], shown["variants"]) == ("attention", variants)
    page = registers.register_page()
    assert sum(isinstance(part, str) for part in page.parts) == len(NAMES) + 2
    assert page.data.equals(frame)


def test_every_method_of_the_package_has_a_file_of_entries_and_every_file_a_method():
    assert {file.stem for file in paths.deviations("").parent.glob("*.toml")} == set(NAMES)


def test_the_notebook_of_every_paper_shows_the_entries_of_its_methods():
    shown = [file.read_text() for file in paths.notebooks().glob("*.ipynb")]
    for paper in {METHODS[name].paper for name in NAMES} & set(reported.keys()):
        own = [text for text in shown if f'paper: str = \\"{paper}\\"' in text]
        assert sum("tables.deviations(params)" in text for text in own) == 1, paper
