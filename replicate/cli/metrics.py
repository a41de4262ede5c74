"""Commands about numbers of images: score, protocols."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from replicate.cli.common import Budget, Device, Json, Offline, Subfolders, say, show
from replicate.cli.terminal import Wide, entries, lines, table, wrapped

Dir = Path | None


def score(
    fake: Annotated[Path, typer.Argument(help="Folder of translations.")],
    real: Annotated[Path, typer.Argument(help="Folder of real images of the target domain.")],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Further ids after --protocol ID.")
    ] = None,
    source: Annotated[Dir, typer.Option(help="Folder of the inputs.")] = None,
    real_train: Annotated[Dir, typer.Option(help="Training images of the target domain.")] = None,
    mask: Annotated[Dir, typer.Option(help="True masks of the inputs.")] = None,
    ideal: Annotated[Dir, typer.Option(help="Ideal translations of the inputs.")] = None,
    attention: Annotated[Dir, typer.Option(help="Attention maps, bright is attended.")] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Compute these; see `replicate protocols`."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="DOMAIN", help="Whose classes are counted, e.g. zebra.")
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="Of ImageNet, e.g. 340 or 151-268, in place of --target.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Compute every protocol.")] = False,
    jpeg: Annotated[
        bool, typer.Option("--jpeg", help="Score JPEG translations, under ids that say so.")
    ] = False,
    weights: Annotated[
        Dir, typer.Option(help="Inception weights in the official format.", metavar="FILE")
    ] = None,
    device: Device = "cpu",
    as_json: Json = False,
    offline: Offline = False,
    subfolders: Subfolders = False,
    wide: Wide = False,
) -> None:
    """KID, FID, PSNR and the rest of a folder of images against another, protocol by protocol."""
    from replicate.errors import ReplicateError
    from replicate.metrics.folders import score_folders

    if more and not protocol:
        raise ReplicateError(f"unexpected {more[0]!r}: ids of protocols come after --protocol")
    ids = [*protocol, *(more or [])] if protocol else None
    folders = {
        "fake": fake, "real": real, "source": source, "real_train": real_train, "mask": mask,
        "ideal": ideal, "attention": attention,
    }  # fmt: skip
    rows = score_folders(
        folders, ids, everything, jpeg, weights, device, offline, subfolders,
        _classes(real, target, classes),
    )  # fmt: skip
    if as_json:
        show([_with_printed(row) for row in rows])
    else:
        lines(_listing(rows), wide)


def diversity(
    methods: Annotated[list[str], typer.Argument(metavar="METHOD[:VARIANT]...")],
    data: Annotated[str, typer.Option(help="Their set; PSNR is of pairs.")] = "facades",
    seed: Annotated[int, typer.Option(min=0, help="The runs' seed.")] = 0,
    budget: Budget = "laptop",
    samples: Annotated[int, typer.Option(min=1, help="Translations of an input.")] = 10,
    as_json: Json = False,
) -> None:
    """How far many translations of one input differ, and of pairs the PSNR of the best of them."""
    from replicate.lab.run import make_run
    from replicate.studies.diversity import diversity as measured

    frame = measured([make_run(name, data, seed, budget) for name in methods], samples)
    if as_json:
        show(frame.to_dict("records"))
        return
    shown = frame.map(lambda cell: f"{cell:.4g}" if isinstance(cell, float) else cell)
    table(list(shown.columns), shown.itertuples(index=False), more="--json has all")


def protocols(
    id: Annotated[
        str | None, typer.Argument(help="Only this protocol, with all that is known.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What every number means, and which numbers may be compared."""
    from replicate.metrics.protocols import PROTOCOLS, find, remark

    chosen = list(PROTOCOLS.values()) if id is None else [find(id)]
    if as_json:
        show([_described(protocol) for protocol in chosen])
    elif id is None:
        entries(
            [(protocol.id, _about(protocol)) for protocol in chosen],
            "protocol: definition; who uses it",
        )
        for text in dict.fromkeys(filter(None, map(remark, chosen))):
            say(wrapped(text))
    else:
        entries(_page(chosen[0]), indent=13)


def _classes(real: Path, target: str | None, classes: str | None) -> tuple[int, ...]:
    """The target's ImageNet classes: as the user says, or as its folder is known."""
    from replicate.datasets import targets
    from replicate.errors import ReplicateError

    if target and classes:
        raise ReplicateError("--target and --classes say the same: expected one of them")
    if classes:
        return targets.classes_in(classes)
    return targets.classes_of_domain(target) if target else targets.classes_of_folder(real)


def _with_printed(row) -> dict:
    """The row as JSON, with the number as its authors print it."""
    from replicate.metrics.protocols import find

    protocol = find(row.protocol)
    printed = None if row.value is None else protocol.printed(row.value)
    return asdict(row) | {"printed": printed, "scale": protocol.scale, "version": protocol.version}


def _listing(rows: list) -> str:
    """What was measured as a table, with what several numbers need said once, below it."""
    import pandas as pd

    from replicate.report.tables import to_markdown

    measured, lacking = [row for row in rows if row.value is not None], {}
    notes: dict[str, int] = {}
    lines = [_cells(row, notes) for row in measured]
    for row in rows:
        if row.value is None:
            lacking.setdefault(row.note, []).append(row.protocol)
    table = pd.DataFrame(lines)
    filled = table[[name for name in table if (table[name] != "").any()]]
    parts = [to_markdown(filled)] if lines else []
    parts += [f"[{number}] {text}" for text, number in notes.items()]
    parts += [f"{', '.join(ids)}: {reason}" for reason, ids in lacking.items()]
    return "\n".join(parts)


def _cells(row, notes: dict[str, int]) -> dict[str, str]:
    """A row of the table; `notes` numbers what is said below it."""
    from replicate.metrics.power import HIGHER
    from replicate.metrics.protocols import find

    protocol = find(row.protocol)
    said = row.note.split("; ") if row.note else []
    said += [f"±: {row.spread_kind}"] if row.spread is not None else []
    said += [f"network: {row.extractor}"] if row.extractor else []
    marks = [notes.setdefault(part, len(notes) + 1) for part in said]
    halves = None if row.floor_halves == row.floor else row.floor_halves
    is_rate = row.metric in HIGHER
    interval = "" if row.low is None else f"{row.low:.5f} to {row.high:.5f}"
    return {
        "protocol": row.protocol,
        "metric": row.metric,
        "value": _digits(row.value),
        "±": _digits(row.spread),
        "95 %": interval,
        "printed": f"{protocol.printed(row.value):.3f}" if protocol.scale != 1 else "",
        "floor": "" if is_rate else _digits(row.floor),
        "ceiling": _digits(row.floor) if is_rate else "",
        "floor of halves": _digits(halves),
        "do nothing": _digits(row.do_nothing),
        "n": " / ".join(str(n) for n in (row.n_fake, row.n_real) if n is not None),
        "notes": ", ".join(map(str, marks)),
    }


def _digits(value: float | None) -> str:
    if value is None:
        return ""
    return "identical" if value == math.inf else f"{value:.5f}"


def _described(protocol) -> dict:
    from replicate.metrics.comparisons import comparison, partners
    from replicate.metrics.protocols import remark

    others = partners(protocol.id)
    why = {other: comparison(protocol.id, other)._asdict() for other in others}
    about = protocol.record() | {"remark": remark(protocol)}
    return about | {"compares_with": others, "why": why}


def _about(protocol) -> list[str]:
    from replicate.metrics.comparisons import partners

    others = ", ".join(partners(protocol.id))
    about = f"{protocol.definition}; {protocol.used_by}"
    if protocol.reason:
        about += f". Not by `replicate score`: {protocol.reason}"
    return [about, *([f"compares with {others}"] if others else [])]


def _page(protocol) -> list[tuple[str, list[str]]]:
    from replicate.metrics.comparisons import comparison, partners
    from replicate.metrics.protocols import remark

    record = protocol.record() | {"remark": remark(protocol)}
    facts = {k: v for k, v in record.items() if v not in ("", {}, (), None)}
    rows = [(key, [str(value)]) for key, value in facts.items()]
    for other in partners(protocol.id):
        entry = comparison(protocol.id, other)
        about = f"with {other}: {entry.what}; {entry.why} ({entry.certainty})"
        rows.append(("compares", [about]))
    return rows
