"""Commands about what runs take and where they stand: preflight, plan, status."""

from collections import Counter
from typing import Annotated

import typer

from replicate.cli.common import Budget, Device, Json, budgets, method_names, say, show
from replicate.cli.terminal import Wide, table, width, wrapped

Seeds = Annotated[str, typer.Option(help="Seeds, e.g. 0,1,2; default: the notebooks'.")]
Datasets = Annotated[str, typer.Option(help="Data sets; default: the notebooks'.")]
Notebook = Annotated[
    list[str] | None,
    typer.Option(help="A notebook, e.g. 02_aggan; repeat it for more. Default: all."),
]
CELLS = ("method", "dataset", "metric", "printed", "filled by")  # shown on any terminal


def preflight(
    method: Annotated[
        str,
        typer.Argument(
            help="METHOD or METHOD:VARIANT; none: all of the budget.", autocompletion=method_names
        ),
    ] = "",
    data: Annotated[str, typer.Option(help="A data set; default: the notebooks'.")] = "",
    budget: Budget = "smoke",
    device: Device = "cpu",
    steps: Annotated[
        int, typer.Option(min=0, help="Training steps, the first not timed; 0: by the budget.")
    ] = 0,
    images: Annotated[
        int, typer.Option(min=8, help="Images of a domain, translated and scored.")
    ] = 8,
    as_json: Json = False,
) -> None:
    """Measures memory, speed and time of a run by a few real steps, for `plan` and `runs`."""
    from replicate.lab import make_run
    from replicate.lab import preflight as measuring
    from replicate.lab.budget_grid import grid
    from replicate.lab.run import method_name

    runs = [job.run for job in grid(budget)]
    if not method:
        _show_kinds(measuring.every(runs, device, steps, images), as_json)
        return
    known = [r.dataset for r in runs if method_name(r.method, r.label) == method]
    run = make_run(method, data or (known or ["horse2zebra_drawn"])[0], 0, budget)
    estimate = measuring.preflight(run, device, steps, images)
    show(estimate.as_dict()) if as_json else say(estimate)


def _show_kinds(estimates: list, as_json: bool) -> None:
    if as_json:
        show([estimate.as_dict() for estimate in estimates])
        return
    rows = [
        (
            estimate.name,
            estimate.size,
            f"{estimate.peak_memory_mb:.0f}",
            f"{estimate.seconds_per_step:.3f}",
            "not known" if estimate.hours is None else f"{estimate.hours:,.2f}",
            f"{estimate.disk_mb / 1e3:.1f}",
        )
        for estimate in estimates
    ]
    table(("method", ">px", ">peak MB", ">s/step", ">hours", ">disk GB"), rows)


def plan(
    budget: Annotated[
        str, typer.Argument(help="smoke, laptop, overnight or paper.", autocompletion=budgets)
    ] = "laptop",
    notebook: Notebook = None,
    seeds: Seeds = "",
    datasets: Datasets = "",
    device: Annotated[
        str, typer.Option(help="cpu, cuda, cuda:N or mps; default: the notebooks'.")
    ] = "",
    runs: Annotated[
        bool, typer.Option("--runs", help="A line for each run that is left, too.")
    ] = False,
    cells: Annotated[
        bool, typer.Option("--cells", help="Every printed cell: what fills it, or why nothing can.")
    ] = False,
    as_json: Json = False,
    wide: Wide = False,
) -> None:
    """What a budget would do: runs done, stale and left, hours, disk. Trains nothing."""
    from replicate.lab.budget_grid import grid
    from replicate.lab.forecast import by_method, forecast

    jobs = grid(budget, notebook or (), seeds, datasets)
    if cells:
        _show_cells([job.run for job in jobs], as_json, wide)
        return
    device = device or next((job.device for job in jobs), "cpu")
    foreseen = forecast([job.run for job in jobs], device)
    rows = by_method(foreseen)
    if as_json:
        show(
            {
                "budget": budget,
                "device": device,
                "methods": rows,
                "runs": [_told(f) for f in foreseen],
            }
        )
        return
    _print_rows(budget, device, rows, wide)
    if runs:
        say("")
        print_left([entry for entry in foreseen if entry.seen.word != "scored"], wide)


def print_left(foreseen: list, wide: bool = False) -> None:
    """Of each run its state, the time that is left, its title, why, and what tells the time."""
    rows = []
    for entry in foreseen:
        time = "not measured" if entry.hours is None else _time(entry.hours)
        about = [entry.seen.why, entry.whole.by if entry.hours else ""]
        rows.append((entry.seen.word, time, entry.run.title, "; ".join(filter(None, about))))
    table(("state", ">time left", "run", "why"), rows, wide)


def _time(hours: float) -> str:
    return f"{hours:.2f} h" if hours >= 1 else f"{60 * hours:.1f} min"


def _show_cells(runs: list, as_json: bool, wide: bool) -> None:
    from replicate.report import tables

    cells = tables.cells(runs)
    if as_json:
        show(cells.to_dict("records"))
        return
    chosen = list(cells.columns) if wide or not width() else [*CELLS, cells.columns[-1]]
    table(chosen, cells[chosen].itertuples(index=False), wide)
    filled = (cells["filled by"] != "-").sum()
    say(f"{filled} of {len(cells)} printed cells will be filled; the last column says why not")


def _told(entry) -> dict:
    return {
        "title": entry.run.title,
        "state": entry.seen.name,
        "stale": entry.seen.stale,
        "reason": entry.seen.reason,
        "hours": entry.hours,
        "memory_mb": entry.whole.memory_mb,
        "disk_mb": entry.whole.disk_mb,
        "written_mb": entry.whole.written_mb,
        "measured_by": entry.whole.by,
        "folder": str(entry.run.folder),
    }


def _print_rows(budget: str, device: str, rows: list[dict], wide: bool) -> None:
    from replicate import paths
    from replicate.lab.state import WORDS

    total = rows[-1]
    say(f"budget {budget} on {device}: {total['runs']} runs into {paths.results()}")
    lines = []
    for row in rows:
        counts = ", ".join(f"{row[word]} {word}" for word in WORDS if row[word])
        lines.append((row["method"], row["runs"], _hours(row), _disk(row), counts))
    table(("method", ">runs", ">hours left", ">disk", "state"), lines, wide)
    if total["written_gb"] is not None:
        text = (
            f"checkpoints: {total['written_gb']:,.1f} GB written in all, by time and size; of each "
            "run the last ones are kept"
        )
        say(wrapped(text))
    if total["not_measured"]:
        text = (
            f"hours of {total['not_measured']} runs are not measured, or how many images their set "
            f"has is not known; `make preflight BUDGET={budget} DEVICE={device}` measures"
        )
        say(wrapped(text))


def _hours(row: dict) -> str:
    if row["hours"] is None:
        return "not measured"
    return f"{row['hours']:,.2f}{' +' if row['not_measured'] else ''}"


def _disk(row: dict) -> str:
    return "?" if row["disk_gb"] is None else f"{row['disk_gb']:,.1f} GB"


def _ago(seconds: float) -> str:
    """`40 s`, `12 min`, `5 h` or `3 d`."""
    for unit, size, most in (("s", 1, 100), ("min", 60, 100), ("h", 3600, 48)):
        if seconds < size * most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:,.0f} d"


def status(as_json: Json = False, wide: Wide = False) -> None:
    """The runs on this machine: state, iterations done, time since the last sign of life."""
    from replicate import paths
    from replicate.lab.facts import Facts
    from replicate.lab.published import find_runs
    from replicate.lab.state import Today, describe

    facts = Facts(paths.results())
    today = Today(facts)
    runs = [describe(folder, today) for folder in find_runs(paths.results())]
    facts.keep()
    if as_json:
        show(runs)
        return
    if not runs:
        say(f"no runs in {paths.results()}; `replicate train` starts one")
        return
    rows = []
    for run in runs:
        done = f"{run['iteration']}/{run['iterations']}"
        about = [run["why"]]
        if run["state"] not in ("scored", "trained", "running"):
            about += [run["log"]]
        why = "  ".join(filter(None, about))
        rows.append((run["word"], done, _ago(run["heartbeat_seconds"]), run["title"], why))
    table(("state", ">iterations", ">last sign", "run", "why"), rows, wide)
    counts = Counter(run["word"] for run in runs)
    say(f"{len(runs)} runs:", ", ".join(f"{n} {state}" for state, n in counts.most_common()))
