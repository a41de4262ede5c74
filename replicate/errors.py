"""Errors that name the thing, the value found, the value expected and the way out."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

ADDRESS = re.compile(
    r"(?P<scheme>\bhttps?://)(?P<user>[^\s/?#]*@)?(?P<place>[^\s?#'\"]*)(?P<query>\?[^\s#'\"]*)?"
)


class ReplicateError(ValueError):
    """Bad input or a state that needs the user; the command line prints it without a traceback."""


class UnknownName(ReplicateError, KeyError):
    """A name that no registry, table or set of choices holds."""

    def __str__(self) -> str:  # KeyError would print the repr of the text
        return str(self.args[0])


def printable(text: str, keep: str = "\n\t\xa0") -> str:
    """`text` with what a terminal would act on, or not show, as Python writes it: `\\x1b`.

    Names of files and what others send may hold characters that move the cursor, hide text or turn
    the direction of writing.

    Args:
        keep: such characters that stay.
    """
    return "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in text)


def hidden(text: str) -> str:
    """`text` whose addresses have neither user and password nor values in their query."""

    def address(match: re.Match) -> str:
        user = "***@" if match["user"] else ""
        query = re.sub(r"=[^&;]*", "=***", match["query"] or "")
        return f"{match['scheme']}{user}{match['place']}{query}"

    return ADDRESS.sub(address, text)


def suggestion(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the closest of `known`, or an empty string when none is close."""
    spelled = {str(k).lower(): str(k) for k in known}
    close = get_close_matches(str(name).lower(), spelled, n=1, cutoff=0.5)
    return f" (did you mean {spelled[close[0]]!r}?)" if close else ""


def unknown(what: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for a name that is not among `known`, with the closest match and the whole list.

    Args:
        what: the kind of thing, as a user calls it: "method", "data set", "parameter".
        name: what was asked for.
        known: every name that would have been right.
    """
    known = sorted(str(k) for k in known)
    return UnknownName(
        f"unknown {what} {name!r}{suggestion(name, known)}; known: {', '.join(known) or 'none'}"
    )
