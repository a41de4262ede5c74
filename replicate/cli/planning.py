"""Commands about what runs take and where they stand: preflight, plan, status."""

from collections import Counter
from typing import Annotated

import typer

from replicate.cli.common import Budget, Device, Json, say, show

Seeds = Annotated[str, typer.Option(help="Seeds, e.g. 0,1,2; default: the notebooks'.")]
Datasets = Annotated[str, typer.Option(help="Data sets; default: the notebooks'.")]
Notebook = Annotated[
    list[str] | None, typer.Option(help="A notebook's stem; again for more. Default: all.")
]


def preflight(
    method: Annotated[
        str, typer.Argument(help="METHOD or METHOD:VARIANT; none: all of the budget.")
    ] = "",
    data: Annotated[str, typer.Option(help="A data set; default: the notebooks'.")] = "",
    budget: Budget = "smoke",
    device: Device = "cpu",
    steps: Annotated[
        int, typer.Option(min=0, help="Training steps, the first warms up; 0: by the budget.")
    ] = 0,
    images: Annotated[int, typer.Option(min=8, help="Of a domain, translated and scored.")] = 8,
    as_json: Json = False,
) -> None:
    """Memory, speed and time of a run, by real steps and one evaluation; kept for what plans."""
    from replicate.lab import make_run
    from replicate.lab import preflight as measuring
    from replicate.lab.budget_grid import grid
    from replicate.lab.run import method_name

    asked = [job.run for job in grid(budget)]
    if not method:
        _show_kinds(measuring.every(asked, device, steps, images), as_json)
        return
    known = [r.dataset for r in asked if method_name(r.method, r.label) == method]
    run = make_run(method, data or (known or ["horse2zebra_drawn"])[0], 0, budget)
    estimate = measuring.preflight(run, device, steps, images)
    show(estimate.as_dict()) if as_json else say(estimate)


def _show_kinds(found: list, as_json: bool) -> None:
    if as_json:
        show([each.as_dict() for each in found])
        return
    wide = max(len(each.name) for each in found)
    say(f"{'method':<{wide}} {'px':>4} {'peak MB':>8} {'s/step':>8} {'hours':>10} {'disk GB':>8}")
    for each in found:
        hours = "not known" if each.hours is None else f"{each.hours:,.2f}"
        say(
            f"{each.name:<{wide}} {each.size:>4} {each.peak_memory_mb:>8.0f}"
            f" {each.seconds_per_step:>8.3f} {hours:>10} {each.disk_mb / 1e3:>8.1f}"
        )


def plan(
    budget: Annotated[str, typer.Argument(help="smoke, laptop, overnight or paper.")] = "laptop",
    notebook: Notebook = None,
    seeds: Seeds = "",
    datasets: Datasets = "",
    device: Annotated[str, typer.Option(help="As of train; default: the notebooks'.")] = "",
    runs: Annotated[bool, typer.Option("--runs", help="One line a run that is left.")] = False,
    cells: Annotated[
        bool, typer.Option("--cells", help="Every printed cell: what fills it, or why nothing can.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What a budget would do: runs done, stale and left, hours, disk. Trains nothing."""
    from replicate.lab.budget_grid import grid
    from replicate.lab.forecast import by_method, forecast

    jobs = grid(budget, notebook or (), seeds, datasets)
    if cells:
        _show_cells([job.run for job in jobs], as_json)
        return
    device = device or next((job.device for job in jobs), "cpu")
    found = forecast([job.run for job in jobs], device)
    rows = by_method(found)
    if as_json:
        show(
            {"budget": budget, "device": device, "methods": rows, "runs": [_told(f) for f in found]}
        )
        return
    _print_rows(budget, device, rows)
    for each in found if runs else ():
        if each.seen.word != "scored":
            say(line_of(each))


def line_of(each) -> str:
    """A run's state, the hours that are left, its title, why it is in that state, who says so."""
    hours = "not measured" if each.hours is None else _time(each.hours)
    about = [each.seen.why, each.whole.by if each.hours else ""]
    more = "; ".join(text for text in about if text)
    return f"{each.seen.word:<9} {hours:>12}  {each.run.title}{more and f' ({more})'}"


def _time(hours: float) -> str:
    return f"{hours:.2f} h" if hours >= 1 else f"{60 * hours:.1f} min"


def _show_cells(runs: list, as_json: bool) -> None:
    from replicate.report import tables

    found = tables.cells(runs)
    if as_json:
        show(found.to_dict("records"))
        return
    say(tables.to_markdown(found))
    filled = (found["filled by"] != "-").sum()
    say(f"{filled} of {len(found)} printed cells will be filled; the last column says why not")


def _told(each) -> dict:
    return {
        "title": each.run.title,
        "state": each.seen.name,
        "stale": each.seen.stale,
        "reason": each.seen.reason,
        "hours": each.hours,
        "memory_mb": each.whole.memory_mb,
        "disk_mb": each.whole.disk_mb,
        "written_mb": each.whole.written_mb,
        "measured_by": each.whole.by,
        "folder": str(each.run.folder),
    }


def _print_rows(budget: str, device: str, rows: list[dict]) -> None:
    from replicate import paths
    from replicate.lab.state import WORDS

    total = rows[-1]
    say(f"budget {budget} on {device}: {total['runs']} runs into {paths.results()}")
    wide = max(len(row["method"]) for row in rows)
    heads = ("runs", *WORDS)
    say(f"{'method':<{wide}}", *(f"{h:>8}" for h in heads), f"{'hours':>15} {'disk':>9}")
    for row in rows:
        counts = (f"{row[h]:>8}" for h in heads)
        say(f"{row['method']:<{wide}}", *counts, f"{_hours(row):>15} {_disk(row):>9}")
    if total["written_gb"] is not None:
        say(
            f"checkpoints: {total['written_gb']:,.1f} GB written in all, by time and size; of each "
            "run the last ones are kept"
        )
    if total["not_measured"]:
        say(
            f"hours of {total['not_measured']} runs are not measured, or how many images their set "
            f"has is not known; `make preflight BUDGET={budget} DEVICE={device}` measures"
        )


def _hours(row: dict) -> str:
    if row["hours"] is None:
        return "not measured"
    return f"{row['hours']:,.2f}{' +' if row['not_measured'] else ''}"


def _disk(row: dict) -> str:
    return "?" if row["disk_gb"] is None else f"{row['disk_gb']:,.1f} GB"


def status(as_json: Json = False) -> None:
    """The runs on this machine: state, iterations done, seconds since the last sign of life."""
    from replicate import paths
    from replicate.lab.published import find_runs
    from replicate.lab.state import Today, describe

    today = Today()
    found = [describe(folder, today) for folder in find_runs(paths.results())]
    if as_json:
        show(found)
        return
    for each in found:
        done = f"{each['iteration']}/{each['iterations']}"
        beat = f"{each['heartbeat_seconds']:.0f} s ago"
        about = [each["why"]]
        if each["state"] not in ("scored", "trained", "running"):
            about += [each["log"]]
        why = "  ".join(" ".join(text.split()) for text in about if text)
        say(f"{each['word']:<9} {done:>15}  {beat:>12}  {each['title']}{why and f': {why}'}")
    if not found:
        say(f"no runs in {paths.results()}; `replicate train` starts one")
        return
    counts = Counter(each["word"] for each in found)
    say(f"{len(found)} runs:", ", ".join(f"{n} {state}" for state, n in counts.most_common()))
