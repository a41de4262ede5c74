"""What a data set was when a result was made from it, and whether the one on this disk is that.

Contents, counts, faults, origin.
"""

import hashlib
import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from replicate import files, naming, paths
from replicate.datasets import audit, digits, folders, hashes, packed
from replicate.datasets.layouts import FOLDERS, SPLITS
from replicate.datasets.spec import Spec, spec
from replicate.errors import ReplicateError, hidden
from replicate.images import Undecodable, decode
from replicate.progress import bar

VERSION = 1  # raise it when the same set would get another passport
SIZES = (64, 64)  # px of train and test at which a drawn set is hashed unless a run says otherwise
FACTS = {"layout", "domains", "left", "fit", "source", "licence", "archive", "sha256", "urls"}


def passport(name: str, sizes: tuple[int, int] = SIZES, progress: bool = True) -> dict:
    """The passport of a set, stored where it is new.

    Args:
        sizes: px of the training and of the test split at which a drawn set is hashed; of any other
            set the files are.
        progress: whether bars run while files are read.

    Returns:
        JSON. "name", and of the registry "layout", "domains", "left", "fit", "source", "licence",
        "archive", "sha256" and "urls"; "content" (see `content_hash`) and "splits", the same of the
        images of each split; "folders": by folder "count", "bytes" (of files), "modes", "width" and
        "height" (smallest, largest; px); "faults": files by fault (see `audit`), None where there
        are no image files; "unpacked_from": file name, bytes and sha256 of the archive, and whether
        nothing has changed since, None where the images came another way.

    Raises:
        UnknownName, ReplicateError: no such set, or it is not here.
    """
    entry = spec(name)
    contents = _drawn(entry, sizes) if entry.layout == "drawn" else _hashed(entry, progress)
    facts = entry.model_dump(mode="json", include=FACTS)
    facts["urls"] = [mirror | {"url": hidden(mirror["url"])} for mirror in facts["urls"]]
    made = {"version": [VERSION, audit.VERSION], "name": name, **facts, **contents}
    known = stored_passport(entry) or {}
    keys = ("version", "content", "layout", "domains", "left")
    fresh = all(known.get(key) == made[key] for key in keys)
    made |= (
        {key: known[key] for key in ("folders", "faults")}
        if fresh
        else _look(entry, sizes, progress)
    )
    made["unpacked_from"] = _archive(entry, made["content"])
    made |= {"left_out": list(entry.left_out)} if entry.left_out else {}
    if made != known:
        files.write_sealed(folder(entry) / "passport.json", made)
    return made


def stored_passport(entry: Spec) -> dict | None:
    """The passport as it was stored last, not compared with the files; None where there is none."""
    return _read(folder(entry) / "passport.json")


def folder(entry: Spec) -> Path:
    """Where the passport of a set lies, with whatever else is found out about the set."""
    return paths.derived("passports", entry.name)


def content_hash(entry: Spec) -> str:
    """The sha256 of the set's content, in hexadecimal.

    It is that of the names and contents of all files below the set's folder but hidden ones,
    whatever their order on the disk and wherever the folder lies; of torchvision's archives; or of
    the arrays of a drawn set at 64 px. A file is read again only if its size or time has changed.

    Raises:
        ReplicateError: the set is not here.
    """
    contents = _drawn(entry, SIZES) if entry.layout == "drawn" else _hashed(entry, progress=True)
    return contents["content"]


def split_hashes(entry: Spec) -> dict[str, str]:
    """The sha256 of the images of each split, by their names and contents; not of drawn sets.

    Raises:
        ReplicateError: the set is not here.
    """
    return {
        split: _digest(by_name) for split, by_name in _split_files(entry, progress=True).items()
    }


def note_archive(entry: Spec, archive: Path) -> None:
    """Remembers from which archive the set was unpacked just now.

    A disk that is full by now costs the note, which is told, and not the set.
    """
    about = {"file": archive.name, "bytes": archive.stat().st_size}
    try:
        about |= {"sha256": hashes.sha256(archive), "content": content_hash(entry)}
        files.write_sealed(folder(entry) / "archive.json", about)
    except OSError as error:
        print(f"{entry.name}: its passport will not name {archive.name} ({error})")


def format_passport(made: dict) -> str:
    """The passport as text."""
    count = sum(about["count"] for about in made["folders"].values())
    lines = [f"{made['name']}: {count} images, content {made['content']}"]
    for split, digest in made["splits"].items():
        lines.append(f"  {split} {digest}")
    lines += [f"  {audit.folder_line(key, about)}" for key, about in made["folders"].items()]
    fit = "" if made["fit"] == "squash" else f"; squares by {made['fit']}"
    lines.append(f"  A {made['domains'][0]}, B {made['domains'][1]}; {made['layout']}{fit}")
    faults = made["faults"]
    lines.append(f"  audit: {'no image files' if faults is None else audit.summary(faults)}")
    lines.append(f"  source: {made['source']}")
    lines.append(f"  licence: {made['licence'] or 'not on record'}")
    if archive := made["unpacked_from"]:
        state = "unchanged since" if archive["unchanged"] else "changed since"
        lines.append(f"  unpacked from {archive['file']}, sha256 {archive['sha256']}; {state}")
    return "\n".join(lines)


def _split_files(entry: Spec, progress: bool) -> dict[str, dict[str, str]]:
    """The sha256 of the files of each split by name; the index is the one that packing keeps."""
    if not entry.folder.is_dir():
        raise folders.missing(entry)
    indices = {split: packed.index_file(entry, split) for split in SPLITS}
    return {
        split: hashes.content_hashes(_images(entry, split), entry.folder, index, progress)
        for split, index in indices.items()
    }


def _hashed(entry: Spec, progress: bool) -> dict:
    """The content and the splits of a set that lies in files."""
    splits = _split_files(entry, progress)
    every = {name: digest for by_name in splits.values() for name, digest in by_name.items()}
    if entry.layout != "torchvision":
        index = folder(entry) / "others.index.json"
        others = [path for name, path in _all_files(entry.folder).items() if name not in every]
        every |= hashes.content_hashes(others, entry.folder, index, progress)
    digests = {split: _digest(by_name) for split, by_name in splits.items()}
    return {"content": _digest(every), "splits": digests}


def _images(entry: Spec, split: str) -> list[Path]:
    if entry.layout == "torchvision":
        return [path for group in digits.split_files(entry, split).values() for path in group]
    places = [entry.folder / name for name in entry.folders(split)]
    return [path for place in places if place.is_dir() for path in naming.image_files(place)]


def _all_files(root: Path) -> dict[str, Path]:
    """By path below `root`, without hidden files and folders, which systems leave anywhere."""
    files = {path.relative_to(root): path for path in root.rglob("*") if path.is_file()}
    shown = {name: path for name, path in files.items() if not _is_hidden(name)}
    return {name.as_posix(): path for name, path in sorted(shown.items())}


def _is_hidden(name: Path) -> bool:
    return any(part.startswith(".") for part in name.parts)


def _drawn(entry: Spec, sizes: tuple[int, int]) -> dict:
    """The content and the splits of a drawn set, from its packed arrays."""
    splits = {
        split: _digest({"size": size} | packed.load(entry.name, split, size).passport["arrays"])
        for split, size in zip(SPLITS, sizes, strict=True)
    }
    return {"content": _digest(splits), "splits": splits}


def _digest(known: dict) -> str:
    return hashlib.sha256(json.dumps(sorted(known.items())).encode()).hexdigest()


def _look(entry: Spec, sizes: tuple[int, int], progress: bool) -> dict:
    """The folders and the faults of a set."""
    if entry.layout in FOLDERS:
        report = audit.audit(entry.name, progress)
        faults = Counter(row["fault"] for row in report["faults"])
        return {"folders": report["folders"], "faults": dict(faults)}
    summaries = {}
    for split, size in zip(SPLITS, sizes, strict=True):
        for key, domain in zip("AB", entry.domains, strict=True):
            if entry.layout == "drawn":
                images = packed.load(entry.name, split, size).arrays[key]
            else:
                images, _ = digits.read(entry, domain, split)
            count, height, width = images.shape[:3]
            about = {"count": count, "modes": {"RGB" if images.ndim == 4 else "L": count}}
            summaries[f"{split}{key}"] = about | {"width": [width] * 2, "height": [height] * 2}
    return {"folders": summaries, "faults": None}


def _archive(entry: Spec, content: str) -> dict | None:
    noted = _read(folder(entry) / "archive.json")
    if noted is None:
        return None
    then = noted.pop("content")
    return noted | {"unchanged": then == content}


def _read(path: Path) -> dict | None:
    try:
        return files.read_json(path, "")
    except ReplicateError:  # gone, or damaged: it is made anew
        return None


def verify(name: str, progress: bool = True) -> dict:
    """What a check of every file of the set finds, as JSON.

    Digits have no image files; their archives are held to torchvision's md5.

    Returns:
        "name"; "ok": whether nothing below is wrong; "folders": by folder name "count" and
        "expected" (None: not on record); "unreadable": the reason by file name; "content": "found",
        "stored" (of the set's passport; None where none is stored) and "same" (None there).

    Raises:
        UnknownName, ReplicateError: no such set, it is not here, or it is synthetic.
    """
    entry = spec(name)
    if entry.layout == "drawn":
        raise ReplicateError(
            f"{name} is synthetic, so there is no file to verify: its passport holds the content "
            f"of the arrays; `replicate data make {name}` makes them"
        )
    if not entry.folder.is_dir():
        raise folders.missing(entry)
    counts = folders.counts(entry, entry.folder)
    report = {
        "name": name,
        "folders": {k: {"count": n, "expected": entry.counts.get(k)} for k, n in counts.items()},
        "unreadable": _unreadable(entry, progress),
        "content": _content(entry),
    }
    faults = folders.problems(entry, entry.folder)
    changed = report["content"]["same"] is False
    return report | {"ok": not (faults or report["unreadable"] or changed)}


def format_report(report: dict) -> str:
    """The report as text."""
    name, content = report["name"], report["content"]
    lines = [f"{name}: {'verified' if report['ok'] else 'NOT as it should be'}"]
    for folder, facts in report["folders"].items():
        wanted = facts["expected"]
        remark = f"expected {wanted}" if wanted is not None else "no count is on record"
        lines.append(f"  {folder}: {facts['count']} images, {remark}")
    for file, reason in report["unreadable"].items():
        lines.append(f"  {file}: {reason}")
    if not report["unreadable"]:
        lines.append("  every file can be read")
    if content["stored"] is None:
        command = f"`replicate data passport {name}`"
        lines.append(f"  content {content['found']}: no passport is stored yet, {command} does")
    elif content["same"]:
        lines.append(f"  content {content['found']}, as in the stored passport")
    else:
        lines.append(f"  content {content['found']}, the stored passport has {content['stored']}")
    return "\n".join(lines)


def _unreadable(entry: Spec, progress: bool) -> dict[str, str]:
    """The reason by file, relative to the set's folder, of every file that cannot be read."""
    if entry.layout == "torchvision":
        return digits.faults(entry)
    names = folders.counts(entry, entry.folder)
    places = [entry.folder / name for name in names if (entry.folder / name).is_dir()]
    files = [file for place in places for file in naming.image_files(place)]
    reasons = {}
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,  # Pillow decodes without Python's lock
        bar(len(files), f"reading {entry.name}", "image", progress) as steps,
    ):
        for file, reason in zip(files, pool.map(_reason, files), strict=True):
            steps.update()
            if reason:
                reasons[file.relative_to(entry.folder).as_posix()] = reason
    return reasons


def _reason(file: Path) -> str:
    try:
        decode(file)
    except Undecodable as error:
        return error.reason
    return ""


def _content(entry: Spec) -> dict:
    stored = (stored_passport(entry) or {}).get("content")
    if entry.layout == "torchvision" and digits.absent(entry, *SPLITS):
        return {"found": None, "stored": stored, "same": None if stored is None else False}
    digest = content_hash(entry)
    return {"found": digest, "stored": stored, "same": None if stored is None else stored == digest}
