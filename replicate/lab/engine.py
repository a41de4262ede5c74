"""One start of a whole grid: check, lock, end what a dead start left, call Snakemake, explain."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from replicate import paths
from replicate.documents import read_yaml
from replicate.errors import ReplicateError, unknown
from replicate.lab import attempts, machines, markers, slurm
from replicate.lab.budget_grid import Page, check_inputs, jobs
from replicate.lab.graph import Options, graph, is_offline, name, write
from replicate.lab.job import STOPPED
from replicate.lab.machines import locked
from replicate.lab.watching import Watch, watching
from replicate.lab.workflow import cores, snakemake


def start(pages: Sequence[Page], options: Options) -> bool:
    """Whether all that was asked for is done; what is not is explained in a line each.

    Raises:
        ReplicateError: something is missing, or another start is at work in this results folder.
    """
    profile = find_profile(options.profile)
    check_inputs(pages, options.offline)
    limits = snakemake_limits(pages, profile, options.at_once, options.gpus)
    results = paths.results()
    paths.made(results)
    if options.dry:
        with tempfile.TemporaryDirectory(dir=results, prefix=".dry-") as aside:
            _, file = _prepare(pages, options, Path(aside))
            command = snakemake_command(
                file, profile, [*limits, "--dry-run", "--quiet", "host", *options.more]
            )
            return call(command, results, on_slurm=False) == 0
    on_slurm = executor(profile) == "slurm"
    if on_slurm:
        slurm.check_paths(results, Path(sys.executable), paths.ROOT)
    with locked(results):
        _end_orphans(results, on_slurm, "of an earlier start")
        content, file = _prepare(pages, options, results / ".runs")
        since = time.time()
        if markers.complete(content) and not options.more:
            return print_outcome(content, since)
        command = snakemake_command(file, profile, [*limits, *options.more])
        watch = Watch(content, 0 if on_slurm else _slots(content, limits), since)
        with nullcontext() if on_slurm else watching(watch):
            status = call(command, results, on_slurm)
        _end_orphans(results, on_slurm, "that Snakemake left")
        return print_outcome(content, since) and status == 0


def _slots(content: dict, limits: Sequence[str]) -> int:
    """How many runs are at work at a time on this machine."""
    options = dict(zip(limits[::2], limits[1::2], strict=True))
    threads = max((entry["threads"] for entry in content["runs"].values()), default=1)
    slots = int(options.get("--cores", cores())) // threads
    gpus = int(options.get("--resources", f"gpu={slots}").removeprefix("gpu="))
    return max(1, min(slots, gpus))


def _end_orphans(results: Path, on_slurm: bool, whose: str) -> None:
    """Ends what works for these results without a start that knows of it."""
    jobs_there = slurm.cancel(results, required=on_slurm) if on_slurm or slurm.here() else []
    if jobs_there:
        ids = " ".join(jobs_there)
        print(f"cancelled {len(jobs_there)} Slurm jobs {whose}: {ids}", flush=True)
    if left := machines.of(results):
        ids = " ".join(str(process.pid) for process in left)
        print(f"ending {len(left)} processes {whose}, after a checkpoint: {ids}", flush=True)
        machines.end(left)


def _prepare(pages: Sequence[Page], options: Options, folder: Path) -> tuple[dict, Path]:
    """The graph of this start and its file; markers agree with the runs, and a line says how."""
    runs = [job.run for job in jobs(pages)]
    states = markers.agree(runs, is_offline(options))
    stale = [] if options.retrain else states.get("stale", [])
    content = graph(pages, states.get("stale", []), options)
    content["kept"] = [run.title for run in stale]
    targets = pages if options.draw else []
    content["left_out"] = [p.notebook for p in targets if name(p) not in content["notebooks"]]
    markers.agree_notebooks(content["notebooks"])
    counts = ", ".join(f"{len(group)} {state}" for state, group in sorted(states.items()))
    print(
        f"{len(runs)} runs{f' ({counts})' if runs else ''} and {len(content['notebooks'])} "
        f"notebooks at budget {content['budget']}, into {paths.results()}; {_hours(content)}",
        flush=True,
    )
    return content, write(content, folder / "graph.json")


def _hours(content: dict) -> str:
    """The hours that are left of the runs of a graph, one after another."""
    times = [entry["seconds"] for entry in content["runs"].values()]
    known = [time for time in times if time is not None]
    if not known:
        return "hours of training not measured" if times else "no training"
    without = f", without {len(times) - len(known)} runs that were not measured"
    return f"{sum(known) / 3600:,.1f} h of training left{without * (len(known) < len(times))}"


def find_profile(name: str) -> Path:
    """The folder of a profile.

    Raises:
        UnknownName: it is neither in `profiles/` nor the path of one.
    """
    profiles = paths.ROOT / "profiles"
    for folder in (profiles / name, Path(name)):
        if (folder / "config.yaml").is_file():
            return folder.resolve()
    raise unknown("profile", name, [folder.name for folder in profiles.iterdir()])


def executor(profile: Path) -> str:
    """Which of Snakemake's executors a profile takes."""
    return read_yaml(profile / "config.yaml").get("executor", "local")


def snakemake_limits(
    pages: Sequence[Page], profile: Path, at_once: int = 0, wanted: int | None = None
) -> list[str]:
    """Snakemake's arguments for how much runs at a time.

    Args:
        at_once: jobs; 0: as the profile says.
        wanted: GPUs; None: on one machine all that it has, if any run is on device cuda.

    Raises:
        ReplicateError: this machine has fewer GPUs, or a device is a GPU by its number.
    """
    if numbered := [p.params.device for p in pages if ":" in p.params.device]:
        raise ReplicateError(
            f"device={numbered[0]!r}: every run of a grid gets a GPU of its own; expected 'cuda', "
            "and CUDA_VISIBLE_DEVICES for a choice among them"
        )
    on_slurm = executor(profile) == "slurm"
    words = ["--jobs" if on_slurm else "--cores", str(at_once)] if at_once else []
    if on_slurm:
        words += ["--slurm-jobname-prefix", slurm.prefix(paths.results())]
        return words + (["--resources", f"gpu={wanted}"] if wanted else [])
    cuda = any(page.params.device == "cuda" for page in pages)
    if wanted == 0 or (wanted is None and not cuda):
        return words
    here = len(machines.listed())
    if here < (wanted or 1):
        raise ReplicateError(
            f"{wanted or 'at least 1'} GPU asked for, but nvidia-smi lists {here}; start where "
            "they are, or with `device: cpu` in the parameter files"
        )
    return [*words, "--resources", f"gpu={wanted or here}"]


def snakemake_command(graph: Path, profile: Path, more: Sequence[str]) -> list[str]:
    """The Snakemake call; its own bookkeeping lies beside the results that it is about."""
    return snakemake("Snakefile", paths.results(), ["--profile", str(profile), *more], graph=graph)


def call(command: Sequence[str], results: Path, on_slurm: bool) -> int:
    """Snakemake's exit status. A signal that ends this process ends the jobs, their runs saved.

    Snakemake has a session of its own: a Ctrl-C of the terminal reaches this process alone, which
    asks every job once and in the same way, however it was itself asked.
    """
    environment = os.environ | {machines.OWNER: str(results)}
    child = subprocess.Popen(command, env=environment, start_new_session=True)

    def pass_on(number: int, frame: object) -> None:
        print("asked to stop: runs at work save where they are", flush=True)
        child.send_signal(signal.SIGTERM)  # it starts no more and waits for those at work ...
        if on_slurm:
            slurm.end(slurm.own(results))
        machines.send(machines.of(results, "replicate.lab.job"), signal.SIGTERM)  # ... to save

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, pass_on) for number in signals}
    try:
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def print_outcome(content: dict, since: float) -> bool:
    """Whether everything is done; else what failed or stopped, what waits, what was kept stale.

    Args:
        content: the graph.
        since: when the start began, in seconds since 1970; tries before it do not count.
    """
    results, waiting, failed, stopped = Path(content["results"]), 0, 0, 0
    for kind in ("runs", "notebooks"):
        for key, entry in content[kind].items():
            if (results / ".done" / kind / key).exists():
                continue
            place = attempts.folder(results, kind, key)
            tries = [t for t in attempts.read(place) if t.get("started", 0) >= since]
            if not tries:
                waiting += 1
                continue
            if tries[-1].get("status") == STOPPED:
                stopped += 1
                print(f"stopped: {entry['title']}: {_reason(tries[-1])}")
                continue
            failed += 1
            print(f"failed: {entry['title']}: {_reason(tries[-1])}; {_evidence(place, tries)}")
    if waiting:
        print(f"not begun: {waiting} jobs, which wait for others or were broken off")
    for title in content["kept"]:
        print(f"stale, kept: {title}")
    if content["left_out"]:
        print(f"not executed: {', '.join(content['left_out'])}")
    if content["kept"]:
        print("what was trained by other code or images is trained anew with --retrain")
    if stopped or failed or waiting:
        print("what was trained is saved; the same command goes on where this one was")
    else:
        print(f"done: {len(content['runs'])} runs, {len(content['notebooks'])} notebooks")
    return not (stopped or failed or waiting or content["kept"])


def _reason(last: dict) -> str:
    if "ended" in last:
        return last["reason"].rstrip(".") or "it ended well, but its marker is missing"
    state = slurm.ended_by(last["slurm"]) if "slurm" in last else ""
    return f"ended by Slurm, {state}" if state else "killed; it wrote nothing of its end"


def _evidence(place: Path, tries: list[dict]) -> str:
    number = tries[-1]["attempt"]
    count = f"{len(tries)} {'tries' if len(tries) > 1 else 'try'}"
    executed = attempts.notebook(place, number)
    notebook = f", notebook {executed}" if executed.exists() else ""
    return f"{count}, log {attempts.log(place, number)}{notebook}"
