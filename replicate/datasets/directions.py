"""Directions of a translation, by the names of the domains."""

import re
from collections.abc import Sequence

from replicate.errors import unknown

LETTERS = ("AB", "BA")
BETWEEN = ("->", "2", " to ")


def in_words(direction: str, domains: Sequence[str]) -> str:
    """`horse->zebra` for "AB" of horse and zebra."""
    source, target = (domains["AB".index(letter)] for letter in direction)
    return f"{source}->{target}"


def in_letters(direction: str, domains: Sequence[str]) -> str:
    """The direction as methods take it, "AB" or "BA".

    Args:
        direction: as a user writes it: `horse->zebra`, `horse2zebra`, `horse→zebra` or `horse to
            zebra`, in small or capital letters; or "AB" or "BA".
        domains: the names of A and B.

    Raises:
        UnknownName: none of them; the closest direction is named.
    """
    known = spellings(domains)
    asked = re.sub(r"\s*(->|→)\s*", "->", direction.strip().lower())
    if asked not in known:
        words = [in_words(letters, domains) for letters in LETTERS]
        raise unknown("direction", direction, [*words, *LETTERS])
    return known[asked]


def spellings(domains: Sequence[str]) -> dict[str, str]:
    """ "AB" or "BA" by every way to write it, in small letters."""
    found = {letters.lower(): letters for letters in LETTERS}
    for letters in LETTERS:
        source, target = in_words(letters, domains).lower().split("->")
        found |= {f"{source}{between}{target}": letters for between in BETWEEN}
    return found
