"""RaFD by file name: `Rafd090_01_Caucasian_female_angry_frontal.jpg` says who, what and from where.

The labels are the eight expressions: neutral 0 and happy 1, which are A and B for methods that
translate from the first label to the second, then the alphabet.

Assumed: StarGAN divides 90 to 10 and cuts to 256 px (yunjey/stargan @94dd002, README and
jpg/RaFD.md); by whom and where is not on record here. One person in ten is for testing, with all
images, and faces are the largest centred square, 256 px at most; photographs that somebody cut to
256 px before stay as they are.
"""

import re
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from replicate.datasets.labels import CLASS
from replicate.datasets.own import rank
from replicate.datasets.recipes.planning import (
    HALVES,
    Picture,
    Plan,
    by_domain,
    lacking,
    photo,
    square,
    with_labels,
)
from replicate.errors import ReplicateError, unknown
from replicate.naming import image_files
from replicate.paths import shown

OPTIONS = ("domains", "frontal")
EXPRESSIONS = (
    "neutral", "happy", "angry", "contemptuous", "disgusted", "fearful", "sad", "surprised",
)  # fmt: skip
DOMAINS = EXPRESSIONS[:2]
SIDE = 256  # px
HINT = f"{HALVES}`replicate train METHOD --data NAME --set c_dim={len(EXPRESSIONS)}`"
TESTED = 0.1  # of the persons
FRONTAL = "090"  # degrees, the camera in front of the face
FILE = re.compile(
    r"Rafd(?P<camera>\d{3})_(?P<person>\d+)_[A-Za-z]+_(?:fe)?male_"
    rf"(?P<expression>{'|'.join(EXPRESSIONS)})_(?:frontal|left|right)",
    re.IGNORECASE,
)


def source(domains: tuple[str, str] | None = None, frontal: bool = False) -> str:
    """What the set is, in words."""
    what = " against ".join(domains) if domains else "eight expressions as labels"
    return f"RaFD, {what}{', frontal camera only' if frontal else ''}; one person in ten to test"


def plan(folder: Path, domains: tuple[str, str] | None = None, frontal: bool = False) -> Plan:
    """All images with their expression as label, or two expressions as domains.

    Args:
        folder: holds the photographs, itself or in folders below.
        domains: two expressions; None: all, with labels.
        frontal: whether only the camera in front of the face counts (090), of five.

    Raises:
        ReplicateError: no photograph, one with another name, or a single person.
        UnknownName: no such expression.
    """
    for word in domains or ():
        if word not in EXPRESSIONS:
            raise unknown("domain of rafd", word, EXPRESSIONS)
    matches = _named(folder)
    chosen = {f: m for f, m in matches.items() if not frontal or m["camera"] == FRONTAL}
    tested = _tested({m["person"] for m in chosen.values()}, folder)
    groups: dict[bool, list[Picture]] = {True: [], False: []}
    for file, match in chosen.items():
        word = match["expression"].lower()
        label = (EXPRESSIONS.index(word), word)
        groups[match["person"] in tested].append(Picture(f"{file.stem}.png", (file,), label))
    remarks = [f"persons to test: {', '.join(sorted(tested))}"]
    left_out = len(matches) - len(chosen)
    remarks += [f"{left_out} images of other cameras left out"] if left_out else []
    belongs = [_shows(word) for word in domains or DOMAINS]
    if not domains:
        pictures = with_labels(groups[False], groups[True], belongs)
        return Plan("cyclegan", DOMAINS, pictures, _face, None, CLASS, remarks=(*remarks, HINT))
    pictures = []
    for split, group in (("train", groups[False]), ("test", groups[True])):
        pictures += by_domain(split, group, belongs)[0]
    return Plan("cyclegan", domains, pictures, _face, remarks=tuple(remarks))


def _named(folder: Path) -> dict[Path, re.Match]:
    """What the name of every photograph below the folder says."""
    matches = {f: FILE.fullmatch(f.stem) for f in image_files(folder, subfolders=True)}
    form = "Rafd090_01_Caucasian_female_angry_frontal.jpg"
    if not matches:
        raise ReplicateError(
            f"{shown(folder)} holds no photographs; expected RaFD's, named as in {form}"
        )
    if strange := [file for file, match in matches.items() if match is None]:
        way_out = f"Expected names such as {form}: rename these, or move them away"
        raise lacking("images are not named as RaFD's", strange, len(matches), way_out)
    return matches


def _tested(persons: set[str], folder: Path) -> set[str]:
    if len(persons) < 2:
        raise ReplicateError(
            f"{shown(folder)} shows {len(persons)} persons (from the cameras asked for), expected "
            "at least 2: nobody is both trained with and tested"
        )
    return set(sorted(persons, key=rank)[: max(1, round(TESTED * len(persons)))])


def _shows(word: str) -> Callable[[Picture], bool]:
    return lambda picture: picture.label[1] == word


def _face(picture: Picture) -> Image.Image:
    image = square(photo(picture.files[0]))
    small = image.width <= SIDE
    return image if small else image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
