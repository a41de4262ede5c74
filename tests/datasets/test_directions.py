"""Directions by the names of the domains, as users write them."""

import pytest

from replicate.datasets.directions import LETTERS, in_letters, in_words
from replicate.datasets.spec import spec
from replicate.errors import UnknownName
from replicate.methods.base import DIRECTIONS

WORDS = ("horse", "zebra")


def test_the_letters_are_those_of_methods():
    assert tuple(DIRECTIONS) == LETTERS


@pytest.mark.parametrize(
    "written", ["AB", "ab", "horse->zebra", "horse2zebra", "Horse -> Zebra", "horse→zebra",
                "horse to zebra", " horse->zebra "],
)  # fmt: skip
def test_every_spelling_of_a_direction(written):
    assert in_letters(written, WORDS) == "AB"
    assert in_letters(written, WORDS[::-1]) == ("AB" if written.strip().lower() == "ab" else "BA")


def test_words_and_letters_are_inverse():
    for name in ("mnist2usps", "photo2vangogh", "facades"):  # one name holds a 2 itself
        for letters in LETTERS:
            domains = spec(name).domains
            assert in_letters(in_words(letters, domains), domains) == letters


@pytest.mark.parametrize(
    "written, close",
    [
        ("horses->zebra", " (did you mean 'horse->zebra'?)"),
        ("zebra>horse", " (did you mean 'zebra->horse'?)"),
        ("cat->zebra", " (did you mean 'horse->zebra'?)"),
        ("nothing", ""),
    ],
)
def test_a_wrong_direction_gets_the_closest_match(written, close):
    with pytest.raises(UnknownName) as caught:
        in_letters(written, WORDS)
    assert str(caught.value) == (
        f"unknown direction {written!r}{close}; known: AB, BA, horse->zebra, zebra->horse"
    )


@pytest.mark.parametrize(
    "name, meant, way",
    [
        ("zebra2horse", "horse2zebra", "zebra->horse"),
        ("label->photo", "facades", "label->photo"),
        ("anime2selfie", "selfie2anime", "anime->selfie"),
        ("summer2winter", "summer2winter_yosemite", "summer->winter"),
    ],
)
def test_a_set_named_by_its_direction_is_found(root, name, meant, way):
    with pytest.raises(UnknownName) as caught:
        spec(name)
    text = f"unknown data set {name!r} (did you mean {meant!r}? Its direction {way} is trained"
    assert str(caught.value).startswith(text)
    assert "known: animals, apple2orange, " in str(caught.value)
