"""Which images are for testing: on every machine the same, by a seed and what they show."""

import hashlib
from collections import Counter, defaultdict


def rank(what: str, seed: int = 0) -> str:
    """A place in an order that is random, yet the same everywhere: sha256 of seed and `what`."""
    return hashlib.sha256(f"{seed} {what}".encode()).hexdigest()


def for_testing(contents: dict[str, list[str]], share: float, seed: int) -> dict[str, list[bool]]:
    """Whether each image is for testing.

    Images of equal content, of one folder or of both, are never divided between train and test.
    Contents are tried in the order of `rank`, and taken where they do not exceed the share.

    Args:
        contents: for each folder the hashes of its images.
        share: of the test images in a folder, 0 to 1; at least 1 image and not all.
        seed: of the order.

    Returns:
        The same folders, a truth for each image. A folder whose images are all equal has none that
        is True.
    """
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for folder, hashes in contents.items():
        for found in hashes:
            members[found][folder] += 1
    size = {folder: len(hashes) for folder, hashes in contents.items()}
    room = {folder: max(1, int(share * n + 0.5)) for folder, n in size.items()}
    order = sorted(members, key=lambda found: rank(found, seed))
    chosen = set(_that_fit(order, members, {f: min(n, size[f] - 1) for f, n in room.items()}))
    for folder in contents:  # where duplicates are so many that none fits, one group all the same
        if not any(members[found][folder] for found in chosen):
            rest = [found for found in order if members[found][folder]]
            left = {f: n - 1 - sum(members[c][f] for c in chosen) for f, n in size.items()}
            chosen |= set(_that_fit(rest, members, left)[:1])
    return {folder: [found in chosen for found in hashes] for folder, hashes in contents.items()}


def _that_fit(
    order: list[str], members: dict[str, Counter[str]], room: dict[str, int]
) -> list[str]:
    """Those contents, in order, that still have room in every folder that holds them."""
    taken = []
    for found in order:
        if all(n <= room[folder] for folder, n in members[found].items()):
            room = {folder: n - members[found][folder] for folder, n in room.items()}
            taken.append(found)
    return taken
