"""What names tell: which files are images, and which images of two folders belong together."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

from replicate.errors import ReplicateError
from replicate.paths import shown

SUFFIXES = (
    "png", "apng", "jpg", "jpeg", "jpe", "jfif", "mpo", "webp", "bmp", "tif", "tiff", "gif", "ppm",
    "pgm", "pbm", "pnm",
)  # fmt: skip
NAMED = 3  # names that an error or a remark lists
# Words that tell images of one scene apart without saying which scene.
ROLES = {
    "a", "b", "fake", "real", "rec", "recon", "idt", "input", "output", "source", "target", "out",
    "translated", "translation", "generated", "gen", "synthesized", "synthetic", "result",
    "results", "pred", "prediction", "truth", "gt", "ground", "ideal", "label", "labels",
    "labelids", "color", "gtfine", "leftimg8bit", "mask", "masks", "map", "maps", "attention",
    "img", "image", "images", "photo", "picture", "pic", "frame",
}  # fmt: skip
LETTERS = {"a", "b"}  # roles beside another one, as in x_fake_B; alone they may name a domain
# What domains and labels may be called: they become folders, cells of tables and parts of pages.
WORD = re.compile(r"\w([\w .,+()-]*[\w+)])?")
RESERVED = {"ab", "ba", "attention", "con", "prn", "aux", "nul"}  # directions, folders, devices
TOKEN = re.compile(r"leftimg8bit|[^\W\d_]+|\d+")
BY_NAME = "paired by file name"
BY_NUMBER = "paired by words and numbers of the file names (7 is 0007)"
BY_WORDS = "paired by what file names share beside their role (x_fake_B is x)"


def image_files(folder: Path, subfolders: bool = False) -> list[Path]:
    """The images in `folder` by name (code points, so the same in every locale).

    Hidden files are none: systems leave them, as macOS does its resource forks (`._x.jpg`).

    Args:
        subfolders: whether those below `folder` are looked through, too.
    """
    files = _below(folder) if subfolders else folder.iterdir()
    return sorted((file for file in files if _is_image(file)), key=lambda file: file.as_posix())


def flat(file: Path, folder: Path) -> str:
    """`more_5.png` of `folder/more/5.png`: a name for a file from below a folder."""
    return "_".join(file.relative_to(folder).parts)


def left_out(folder: Path, subfolders: bool = False, known: Sequence[str] = ()) -> str:
    """`1 .txt (notes.txt), 1 folder (more/ with 4 images)`: what `image_files` passes over, if any.

    Hidden files and folders are not counted, nor are those whose names are `known` to be no images.
    """
    files = _below(folder) if subfolders else folder.iterdir()
    shown = (f for f in files if not f.name.startswith(".") and f.name not in known)
    others = sorted(file for file in shown if not _is_image(file))
    kinds: dict[str, list[str]] = {}
    for file in others:
        if file.is_dir():
            inside = len(image_files(file, subfolders=True))
            images = f"{inside} image{'s' * (inside != 1)}"
            kinds.setdefault("folder", []).append(f"{file.name}/ with {images}")
        else:
            kinds.setdefault(file.suffix.lower() or "without ending", []).append(file.name)
    return ", ".join(f"{len(names)} {kind} ({few(names)})" for kind, names in kinds.items())


def contents(folder: Path) -> str:
    """`found 3 .txt, 1 folder`: what lies in a folder, by ending."""
    if not folder.is_dir():
        return "no such folder"
    kinds = Counter(
        "folder" if f.is_dir() else f.suffix or "without ending" for f in folder.iterdir()
    )
    return "found " + (", ".join(f"{n} {kind}" for kind, n in kinds.most_common()) or "nothing")


def looked_for(folder: Path) -> str:
    """`looked for png, jpg, ...; found 3 .txt`: of a folder without images, for an error."""
    return f"looked for {', '.join(SUFFIXES)}; {contents(folder)}"


def few(names: Sequence[str], most: int = NAMED) -> str:
    """The first few names, and whether there are more."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def check_word(what: str, word: str) -> None:
    """Nothing, or the error for a domain's or a label's name that folders or pages cannot hold."""
    if not WORD.fullmatch(word) or word.casefold() in RESERVED:
        raise ReplicateError(
            f"{what} {word!r}: expected letters, digits, spaces and _ - + . , ( ) alone, beginning "
            f"with a letter or digit, and none of {', '.join(sorted(RESERVED))}"
        )


def check_stems(files: Sequence[Path]) -> None:
    """Nothing, or the error that names two files of one folder that differ by their endings only.

    What is made of an image is named after its stem, so of two such images one would be lost.
    """
    stems: dict[str, Path] = {}
    for file in files:
        if (other := stems.setdefault(file.stem, file)) is not file:
            raise ReplicateError(
                f"{other.name} and {file.name} of {shown(file.parent)} differ by their endings "
                "only, and translations are named after what stands before those: rename one"
            )


def match(
    names: Sequence[Sequence[str]], places: Sequence[str], what: str
) -> tuple[list[tuple[int, ...]], str]:
    """Which files of several folders belong together by their names, and the rule that says so.

    The rules are tried in this order, and the first that gives every file of every folder one
    partner in each other folder is taken: equal names, endings aside; equal words and numbers,
    whatever is written between them and however many zeros stand before; the same without the words
    that every name of a folder has and that tell what it shows and not which one (`ROLES`).

    Args:
        names: the files of each folder, by their paths below it; the first folder leads.
        places: what errors call the folders.
        what: asks for pairs; for the error.

    Returns:
        (for each group the places in `names`, in the order of the first folder; one of the rules).

    Raises:
        ReplicateError: no rule pairs them; the text tells how the names differ.
    """
    stems = [[PurePath(name).with_suffix("").as_posix() for name in some] for some in names]
    for rule, keys in RULES.items():
        by_key = [{key: i for i, key in enumerate(keys(some))} for some in stems]
        if all(
            len(positions) == len(some) and positions.keys() == by_key[0].keys()
            for positions, some in zip(by_key, stems, strict=True)
        ):
            return [tuple(positions[key] for positions in by_key) for key in by_key[0]], rule
    raise ReplicateError(_unmatched(names, [_without_roles(some) for some in stems], places, what))


def _stems(stems: list[str]) -> list[object]:
    return list(stems)


def _tokens(stems: list[str]) -> list[object]:
    """The words, without case, and numbers of each stem: ("img", 7) of `IMG_0007` and `img (7)`."""
    return [
        tuple(int(t) if t.isdecimal() else t for t in TOKEN.findall(stem.casefold()))
        for stem in stems
    ]


def _without_roles(stems: list[str]) -> list[object]:
    """`_tokens` without the roles that all stems have; all tokens where none would be left."""
    tokens = _tokens(stems)
    common = set.intersection(*map(set, tokens)) if tokens else set()
    roles = common & ROLES
    roles = set() if roles <= LETTERS else roles
    return [tuple(t for t in words if t not in roles) or words for words in tokens]


RULES: dict[str, Callable[[list[str]], list[object]]] = {
    BY_NAME: _stems,
    BY_NUMBER: _tokens,
    BY_WORDS: _without_roles,
}


def _unmatched(
    names: Sequence[Sequence[str]], keys: list[list], places: Sequence[str], what: str
) -> str:
    """How the names of the first folder and of another one differ by the widest rule."""
    other = next((i for i, folder_keys in enumerate(keys) if set(folder_keys) != set(keys[0])), 1)
    counts, gaps = [], []
    for i, against in ((0, other), (other, 0)):
        counts.append(f"{len(names[i])} in {places[i]}")
        partners, pairs = set(keys[against]), zip(names[i], keys[i], strict=True)
        if alone := [name for name, key in pairs if key not in partners]:
            gaps.append(f"{len(alone)} of {places[i]} have no partner ({few(alone)})")
    return (
        f"{what} compares image by image: {', '.join(counts)}; expected one partner for every "
        "image, under the same name or the same words and numbers. "
        f"{'; '.join(gaps) or 'Several names of one folder say the same'}. Give folders that hold "
        "the same images, or rename them"
    )


def _is_image(file: Path) -> bool:
    endings = tuple(f".{suffix}" for suffix in SUFFIXES)
    name = file.name.lower()
    return name.endswith(endings) and not name.startswith(".") and file.is_file()


def _below(folder: Path) -> list[Path]:
    """All files below a folder, but in hidden ones."""
    return [
        file
        for file in folder.rglob("*")
        if file.is_file() and not any(p.startswith(".") for p in file.relative_to(folder).parts)
    ]
