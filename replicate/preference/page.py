"""The page for participants, one HTML file, and the key that stays with the experimenter."""

import base64
import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from replicate import files
from replicate.errors import ReplicateError
from replicate.preference.material import Material, pixels
from replicate.preference.modes import mode_of
from replicate.preference.trials import Picture, Trial, draw

LIMIT = 50  # MB; browsers on phones give up on much larger pages
FORMAT = 1  # of pages, keys and answers; another number means that they do not fit each other


@dataclass(frozen=True)
class Study:
    """What a page was made of.

    Attributes:
        page: the HTML text; it says nowhere whose an image is.
        key: JSON; the mode, each image's method and each trial's options.
    """

    page: str
    key: dict


def make_study(
    mode: str,
    material: Material,
    trials: int | None = None,
    repeats: int = 0,
    seed: int = 0,
    seconds: float | None = None,
) -> Study:
    """The page and the key of a study; equal arguments give equal bytes.

    Args:
        mode: "fool", "best-of-n" or "pair".
        material: the images.
        trials: see `trials.draw`.
        repeats: trials that are asked a second time, to see whether a participant answers alike;
            at most a quarter of the trials.
        seed: of the draw, of the ids and of the order in which things lie in the page.
        seconds: s for which `fool` shows an image; None: until the answer.

    Raises:
        ReplicateError: what `trials.draw` refuses, sizes that differ, more repeats than a quarter
            of the trials, a time limit outside `fool` or not above 0, a page above 50 MB.
    """
    rng = np.random.default_rng(seed)
    drawn = draw(mode, material, trials, rng)
    _check_repeats(repeats, len(drawn))
    _check_seconds(seconds, mode)
    pictures = sorted({p for t in drawn for p in (t.input, *t.options) if p}, key=_order)
    ids = _ids(len(pictures) + len(drawn), rng)
    names = dict(zip(pictures, ids, strict=False))
    encoded, side = _encode(names, material, len(drawn))
    by_id = {i: t for i, t in zip(ids[len(pictures) :], drawn, strict=True)}
    content = _words(mode, material.target) | {
        "seconds": seconds,
        "repeats": repeats,
        "width": side[0],
        "height": side[1],
        "trials": [_told(i, t, names) for i, t in by_id.items()],
        "images": {i: encoded[i] for i in sorted(encoded)},
    }
    study = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:8]
    return Study(_html({"study": study} | content), _key(study, content, names, material, seed))


def write(study: Study, out: Path) -> tuple[Path, Path]:
    """The files of a study: `page.html` and, beside it, `page.key.json`.

    Raises:
        ReplicateError: one of them exists; a key that is lost makes answers worthless.
    """
    key = out.with_suffix(".key.json")
    for file in (out, key):
        if file.exists():
            raise ReplicateError(
                f"{file} exists and may belong to answers that people gave; choose another --out, "
                "or delete it"
            )
    # the key first: a page without one gathers answers that nobody can read
    files.write_json(key, study.key)
    return files.write(out, study.page), key


def _order(picture: Picture) -> tuple[str, str, str]:
    return picture.role, picture.method, picture.stem


def _ids(count: int, rng: np.random.Generator) -> list[str]:
    """Distinct names of eight random hexadecimal digits, which tell nothing."""
    return [f"{n:08x}" for n in rng.choice(2**32, count, replace=False)]


def _words(mode: str, target: str) -> dict:
    """What the page says."""
    words, target = mode_of(mode), "" if mode == "fool" else target
    said = {"question": words.question, "task": words.task, "target": target}
    return {"format": FORMAT, "mode": mode} | said


def _told(trial_id: str, trial: Trial, names: dict[Picture, str]) -> dict:
    """What the page knows of a trial."""
    shown = [names[p] for p in trial.options]
    return {"id": trial_id, "input": names[trial.input] if trial.input else None, "options": shown}


def _encode(
    names: dict[Picture, str], material: Material, trials: int
) -> tuple[dict[str, str], tuple[int, int]]:
    """The pixels by id as base64 of PNG, and their width and height."""
    encoded, total, first = {}, 0, None
    for picture, name in names.items():
        image = material.brought(pixels(_find(picture, material)))
        first = first or (picture, image.shape)
        if image.shape != first[1]:
            raise ReplicateError(
                f"{_title(first[0])} is {_size(first[1])} px, {_title(picture)} is "
                f"{_size(image.shape)} px; a size would give the method away: resize them to one"
            )
        encoded[name] = base64.b64encode(_png(image)).decode()
        total += len(encoded[name])
    if total > LIMIT * 1e6:
        fitting = int(trials * LIMIT * 1e6 / total)
        raise ReplicateError(
            f"the page would have {total / 1e6:.0f} MB, expected at most {LIMIT}; ask for about "
            f"--trials {fitting}, fewer methods or smaller images"
        )
    height, width, _ = first[1]
    return encoded, (width, height)


def _find(picture: Picture, material: Material) -> Path | np.ndarray:
    groups = {"real": material.real, "input": material.inputs}
    images = material.methods[picture.method] if picture.method else groups[picture.role]
    return images[picture.stem]


def _png(image: np.ndarray) -> bytes:
    """A PNG file of the pixels and nothing else."""
    stream = BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "PNG")
    return stream.getvalue()


def _html(content: dict) -> str:
    here = resources.files("replicate.preference")
    text = (here / "page.html").read_text(encoding="utf-8")
    for name in ("page.css", "plan.js", "page.js"):
        text = text.replace(f"/* {name} */", (here / name).read_text(encoding="utf-8"))
    data = json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")  # no tag ends the script
    return text.replace('"the study"', data)


def _key(
    study: str, content: dict, names: dict[Picture, str], material: Material, seed: int
) -> dict:
    images = {
        name: {"role": p.role, "method": p.method, "file": p.stem} for p, name in names.items()
    }
    trials = {t["id"]: {"input": t["input"], "options": t["options"]} for t in content["trials"]}
    return {
        "format": FORMAT,
        "study": study,
        "mode": content["mode"],
        "protocol": mode_of(content["mode"]).protocol,
        "methods": sorted(material.methods),
        "target": material.target,
        "seed": seed,
        "seconds": content["seconds"],
        "repeats": content["repeats"],
        "trials": trials,
        "images": images,
    } | ({"sizes": dict(material.sizes)} if material.sizes else {})


def _check_repeats(repeats: int, trials: int) -> None:
    most = trials // 4  # a quarter of the trials lies at least between a trial and its return
    if not 0 <= repeats <= most:
        raise ReplicateError(
            f"repeats {repeats}: expected 0 to {most}, a quarter of the {trials} trials, so that a "
            "repeated trial is not recognised at once"
        )


def _check_seconds(seconds: float | None, mode: str) -> None:
    if seconds is None:
        return
    if mode != "fool":
        raise ReplicateError(f"seconds {seconds:g} with {mode}: only fool limits the exposure")
    if not 0 < seconds < 3600:
        raise ReplicateError(f"seconds {seconds:g}: expected more than 0 and less than 3600")


def _title(picture: Picture) -> str:
    return f"{picture.stem} ({picture.method or picture.role})"


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"


def _brought(sizes: dict[str, int]) -> str:
    if not sizes:
        return ""
    own = ", ".join(f"{name} {side}" for name, side in sizes.items())
    return f"all images are shown at {min(sizes.values())} px, the smallest of {own}\n"


def describe(study: Study, page: Path, key: Path) -> str:
    """What was made and what to do with it, as lines of text."""
    k = study.key
    repeats = f" and {k['repeats']} repeats" if k["repeats"] else ""
    name = k["study"]
    return (
        f"{page}: {len(k['trials'])} trials{repeats} of {k['protocol']}, "
        f"{len(k['images'])} images, {len(study.page) / 1e6:.1f} MB; "
        f"methods: {', '.join(k['methods'])}\n{_brought(k.get('sizes', {}))}"
        f"{key}: which image is whose; keep it, and do not send it\n"
        f"next: send {page.name} to the participants; they send back "
        f"answers-{name}-PARTICIPANT.json; then\n"
        f"  replicate preference score answers-{name}-*.json --key {key}"
    )
