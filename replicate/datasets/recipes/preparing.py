"""A recipe carried out: planned and checked whole, written beside its place, then moved there."""

import csv
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from types import ModuleType

from replicate import paths
from replicate.datasets import captions, folders, labels, layouts
from replicate.datasets.layouts import shown
from replicate.datasets.own import check_name
from replicate.datasets.placing import describe, holds_something, noted, place
from replicate.datasets.recipes import animals, camvid, celeba, cityscapes, cub, rafd
from replicate.datasets.recipes.planning import Picture, Plan, lacking
from replicate.datasets.spec import Spec, registered, spec
from replicate.errors import ReplicateError, unknown
from replicate.parallel import in_order
from replicate.progress import bar

RECIPES: dict[str, ModuleType] = {
    "cityscapes": cityscapes, "celeba": celeba, "rafd": rafd, "cub": cub, "camvid": camvid,
    "animals": animals,
}  # fmt: skip


def prepare(
    name: str, folder: Path, called: str | None = None, progress: bool = True, **options: object
) -> Spec:
    """The entry of the set made of official files; asked again, nothing is done.

    Args:
        name: a recipe, which is the name of its set.
        folder: where the files lie.
        called: what the set is to be called; None: `name`. Another name is needed for a choice of
            domains, or where files are fewer than the set has.
        progress: whether a bar runs.
        options: those of the recipe's `plan`; None means not given.

    Raises:
        UnknownName: no such recipe or option.
        ReplicateError: files are missing or damaged, or the folder of the set holds something else.
            Nothing is left behind then.
    """
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    recipe, called = RECIPES[name], called or name
    options = {key: value for key, value in options.items() if value not in (None, "", False)}
    for option in options:
        if option not in recipe.OPTIONS:
            raise unknown(f"option of the recipe {name}", option, recipe.OPTIONS)
    if called != name:
        check_name(called)
    source, target = recipe.source(**options), paths.data() / called
    if holds_something(target):
        return _present(called, target, source)
    plan = recipe.plan(Path(folder).expanduser().resolve(), **options)
    entry = _entry(called, plan, source, registered(name))
    if not place(target, lambda folder: _write(folder, plan, entry, progress)):
        return _present(called, target, source)
    counts = ", ".join(f"{folder} {n}" for folder, n in entry.counts.items())
    for line in (f"prepared in {shown(target)} ({counts})", *plan.remarks):
        print(f"{called}: {line.replace('NAME', called)}")
    return spec(called)


def _entry(called: str, plan: Plan, source: str, known: Spec | None) -> Spec:
    """What the set will be; refuses one that lacks a folder, or is not the one on record."""
    placed = Counter(picture.target for picture in plan.pictures)
    if twice := [target for target, n in placed.items() if n > 1]:
        raise lacking("images have the name of another", twice, len(placed), "Rename them")
    by_folder = Counter(target.split("/")[0] for target in placed)
    names = [name for split in layouts.FOLDERS[plan.layout].values() for name in split]
    names += [layouts.OTHERS] if plan.labels else []
    counts = {folder: by_folder[folder] for folder in names}
    if empty := [folder for folder, n in counts.items() if n == 0]:
        domains = " and ".join(plan.domains)
        raise ReplicateError(
            f"{called}: {', '.join(empty)} would have no image, expected at least 1 (A and B are "
            f"{domains}). Complete the originals, or choose other domains or another split"
        )
    licence = known.licence if known else ""
    fields = {"domains": plan.domains, "left": plan.left, "source": source, "licence": licence}
    fields |= {"labels": plan.labels}
    entry = Spec(name=called, layout=plan.layout, counts=counts, **fields)
    if known and called == known.name:
        _check(entry, known)
    return entry


def _check(entry: Spec, known: Spec) -> None:
    """Nothing, or the error for what is not the set of the registry."""
    way_out = f"Complete the originals, or give this another name: `--as {entry.name}_own`"
    for fact in ("layout", "domains", "left", "labels"):
        value, wanted = (getattr(description, fact) for description in (entry, known))
        if value != wanted:
            text = f"{entry.name}: {fact} {value}, expected {wanted} of data/datasets.yaml"
            raise ReplicateError(f"{text}. {way_out}")
    for folder, wanted in known.counts.items():
        if entry.counts[folder] != wanted:
            text = f"{entry.name}: {folder} has {entry.counts[folder]} images, expected {wanted}"
            raise ReplicateError(f"{text}. {way_out}")


def _write(folder: Path, plan: Plan, entry: Spec, progress: bool) -> None:
    rows: dict[str, dict[str, tuple]] = defaultdict(dict)
    sentences: dict[str, dict[str, str]] = defaultdict(dict)
    for picture in plan.pictures:
        parent, name = picture.target.split("/")
        rows[parent][name], sentences[parent][name] = picture.label, picture.caption
    for parent in rows:
        (folder / parent).mkdir()

    def save(picture: Picture) -> None:
        plan.draw(picture).save(folder / picture.target)

    with bar(len(plan.pictures), f"preparing {entry.name}", "image", progress) as steps:
        for _ in in_order(save, plan.pictures):
            steps.update()
    if plan.columns:
        for parent, labelled in rows.items():
            labels.write(folder / parent, plan.columns, labelled)
    for parent, texts in sentences.items():
        if all(texts.values()):
            captions.write(folder / parent, texts)
    for target, file in plan.copies.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / target)
    for target, table in plan.tables.items():
        with (folder / target).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(table)
    describe(folder, entry, "replicate data prepare")


def _present(called: str, target: Path, source: str) -> Spec:
    """The entry of the set that is there, if it is the one that was asked for."""
    entry, made = spec(called), noted(target)
    if made.get("source", source) != source:
        raise ReplicateError(
            f"{shown(target)} holds another choice ({made['source']}), asked was: {source}. Move "
            f"it away, or give this one another name: `--as {called}_2`"
        )
    counts = made.get("counts", entry.counts)
    if faults := folders.problems(entry.model_copy(update={"counts": counts}), target):
        raise ReplicateError(
            f"{shown(target)} exists but is incomplete: {'; '.join(faults)}. Move it away, and run "
            "again"
        )
    print(f"{called}: {shown(target)} is complete, nothing to do")
    return entry
