"""What a start came to: one line for every job that is not done, with its reason and evidence."""

from pathlib import Path

from replicate.jobs import attempts, slurm


def print_outcome(content: dict, since: float) -> bool:
    """Whether everything is done; else what failed, what waits for it and what was kept stale.

    Args:
        content: the graph.
        since: when the start began, in seconds since 1970; tries before it do not count.
    """
    results, waiting, failed = Path(content["results"]), 0, 0
    for kind in ("runs", "notebooks"):
        for key, entry in content[kind].items():
            if (results / ".done" / kind / key).exists():
                continue
            place = attempts.folder(results, kind, key)
            tries = [t for t in attempts.read(place) if t.get("started", 0) >= since]
            if not tries:
                waiting += 1
                continue
            failed += 1
            print(f"failed: {entry['title']}: {_reason(tries[-1])}; {_evidence(place, tries)}")
    if waiting:
        print(f"not begun: {waiting} jobs, which wait for others or were broken off")
    for title in content["kept"]:
        print(f"stale, kept: {title}")
    if content["left_out"]:
        print(f"not drawn: {', '.join(content['left_out'])}")
    if content["kept"]:
        print("what was trained by other code or images is trained anew with --retrain")
    if failed or waiting:
        print("the same command goes on where this one was")
    else:
        print(f"done: {len(content['runs'])} runs, {len(content['notebooks'])} notebooks")
    return not (failed or waiting or content["kept"])


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
