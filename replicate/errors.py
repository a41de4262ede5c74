"""Errors that name the thing, the value found, the value expected and the way out."""

from collections.abc import Iterable
from difflib import get_close_matches


class ReplicateError(ValueError):
    """Bad input or a state that needs the user; the command line prints it without a traceback."""


class UnknownName(ReplicateError, KeyError):
    """A name that no registry, table or set of choices holds."""

    def __str__(self) -> str:  # KeyError would print the repr of the text
        return str(self.args[0])


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
