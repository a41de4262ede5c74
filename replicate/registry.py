"""Names and what they stand for. Imports nothing heavy, so that a listing is instant."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from replicate.errors import ReplicateError, unknown

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """A read-only mapping of registered names; asking for an unknown one names the closest.

    Args:
        what: the kind of thing, used in the error texts.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.broken: dict[str, str] = {}  # name: why asking for it is an error
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """A decorator that enters its object under `name`.

        Raises:
            ReplicateError: another object holds the name already.
        """

        def enter(thing: T) -> T:
            held = self._entries.get(name)
            if held is not None and getattr(held, "__module__", 0) != getattr(
                thing, "__module__", 1
            ):
                raise ReplicateError(f"{self.what} {name!r} is registered twice: {held}, {thing}")
            self._entries[name] = thing
            return thing

        return enter

    def __getitem__(self, name: str) -> T:
        if name in self.broken:
            raise ReplicateError(self.broken[name])
        if name not in self._entries:
            raise unknown(self.what, name, self._entries)
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries and name not in self.broken

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(set(self._entries) - set(self.broken)))

    def __len__(self) -> int:
        return len(set(self._entries) - set(self.broken))
