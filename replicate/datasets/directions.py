"""Directions of a translation, by the names of the domains."""

import re
from collections.abc import Sequence
from itertools import permutations
from string import ascii_uppercase

from replicate.errors import unknown

LETTERS = ("AB", "BA")
BETWEEN = ("->", "2", " to ")


def in_words(direction: str, domains: Sequence[str]) -> str:
    """`horse->zebra` for "AB" of horse and zebra."""
    source, target = (domains[ascii_uppercase.index(letter)] for letter in direction)
    return f"{source}->{target}"


def in_letters(direction: str, domains: Sequence[str]) -> str:
    """The direction as methods take it, "AB" or "BA"; of more domains any two letters.

    Args:
        direction: as a user writes it: `horse->zebra`, `horse2zebra`, `horse→zebra` or `horse to
            zebra`, in small or capital letters; or "AB" or "BA".
        domains: the names of A and B, and of C and so on.

    Raises:
        UnknownName: none of them; the closest direction is named.
    """
    known = spellings(domains)
    spelling = re.sub(r"\s*(->|→)\s*", "->", direction.strip().lower())
    if spelling not in known:
        ways = every(domains)
        words = [in_words(letters, domains) for letters in ways]
        raise unknown("direction", direction, [*words, *ways])
    return known[spelling]


def every(domains: Sequence[str]) -> tuple[str, ...]:
    """All ordered pairs of letters: "AB" and "BA" of two domains."""
    return tuple(map("".join, permutations(ascii_uppercase[: len(domains)], 2)))


def spellings(domains: Sequence[str]) -> dict[str, str]:
    """ "AB" and so on by every way to write it, in small letters."""
    ways = every(domains)
    by_spelling = {letters.lower(): letters for letters in ways}
    for letters in ways:
        source, target = in_words(letters, domains).lower().split("->")
        by_spelling |= {f"{source}{between}{target}": letters for between in BETWEEN}
    return by_spelling
