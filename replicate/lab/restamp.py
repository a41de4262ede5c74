"""Whether code that was rearranged still makes the numbers on record, and new stamps where it does.

python -m replicate.lab.restamp COMMIT

A record is current while the definitions that made it are those of today. Where they were only
rearranged, this trains and scores every kind of published run a few steps by the code of COMMIT and
by today's, on one thread. Where weights, losses and scores have the same bytes, the records that
were current at COMMIT get today's fingerprints; what they had is kept under "restamped". Nothing
else in a record changes, and a record whose numbers differ keeps its stamps and is stale.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

DIRECTIONS = ("AB", "BA")


def kind(record: dict) -> str:
    """What records share that differ in the seed alone."""
    return json.dumps([record["method"], record["config"], record["dataset"]], sort_keys=True)


def measure(record: dict, cache: Path) -> dict:
    """What the code that is imported makes of one kind of run, and its fingerprints of it.

    Args:
        cache: of the features that this code made.

    Returns:
        "training": sha256 of the losses of two steps at the start, the middle and the end of the
        schedule, and of each tensor after them, by its name; "scores": a row for each score of what
        is then translated, as text; "code" and "scoring": the fingerprints of today's code.
    """
    import torch

    from replicate import evaluation
    from replicate.datasets import packed
    from replicate.lab import execute
    from replicate.lab.run import Run
    from replicate.methods import METHODS
    from replicate.training import Training

    method = METHODS[record["method"]]
    named = ("method", "variant", "dataset", "seed", "budget")
    run = Run(config=method.Config(**record["config"]), **{key: record[key] for key in named})
    model, batches = execute.prepared(run, torch.device("cpu"))
    total = record["iterations"]
    training = Training(model, batches, Path(), total, "")
    torch.manual_seed(0)
    losses = hashlib.sha256()
    for first in (0, total // 2, total - 2):
        for training.done in (first, first + 1):
            losses.update(json.dumps(training._iterate()).encode())
    trained = {
        name: hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()
        for name, tensor in model.state_dict().items()
    } | {"losses": losses.hexdigest()}
    model.eval()
    test, train = (packed.load(run.dataset, s, run.config.scored_size) for s in ("test", "train"))
    rows = {}
    for direction in getattr(model, "directions", DIRECTIONS):  # older code has none
        made = evaluation.translate_split(model, test, direction)
        scores = evaluation.score_direction(
            made, direction, test, train, model.attention_cell, cache, offline=True
        )
        words = evaluation.in_words(direction, test)
        rows |= {f"{words} {score.metric} {score.protocol}": asdict_of(score) for score in scores}
    return {"training": trained, "scores": rows, **fingerprints(record, rows)}


def asdict_of(score) -> dict[str, str]:
    """A score as text, every digit of its numbers."""
    return {key: repr(value) for key, value in asdict(score).items()}


def fingerprints(record: dict, rows: dict) -> dict:
    """Those of the imported code; of a scheme that hashed all scoring at once, one text."""
    from replicate.lab import fingerprint
    from replicate.methods import METHODS

    code = fingerprint.code_fingerprint(METHODS[record["method"]])
    protocols = sorted({row["protocol"].strip("'") for row in rows.values()} | {"classes/kept"})
    try:
        scoring: object = {name: fingerprint.scoring_fingerprint(name) for name in protocols}
    except TypeError:
        scoring = fingerprint.scoring_fingerprint()
    return {"code": code, "scoring": scoring}


def start(tree: Path, records: list[Path]) -> subprocess.Popen:
    """A process that measures each kind by the code of a checkout."""
    command = [sys.executable, "-P", str(Path(__file__).resolve()), "--measure", *map(str, records)]
    from replicate import paths

    environment = os.environ | {
        "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "REPLICATE_DATA": str(paths.data()),
    }  # fmt: skip
    return subprocess.Popen(command, env=environment, cwd=tree, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen) -> dict[str, dict]:
    """What it measured, by kind."""
    text, _ = process.communicate()
    if process.returncode:
        raise SystemExit("measuring failed; what it printed says why")
    return json.loads(text)


def differences(before: dict, now: dict) -> list[str]:
    """What two codes make differently of one kind; empty where all has the same bytes."""
    # a buffer or a protocol that was added since is no difference: no record has it
    return sorted(
        name
        for key in ("training", "scores")
        for name, value in before[key].items()
        if now[key].get(name) != value
    )


def stamp(path: Path, before: dict, now: dict, commit: str) -> str:
    """Gives a record today's fingerprints where the proof holds; what came of it, in a line."""
    import pandas as pd

    from replicate import records

    record = records.read(path.parent)
    old = {"code": record["fingerprint"]["code"], "scoring": record["scoring"]}
    table = pd.read_csv(path.with_name("scores.csv"))
    made = sorted(set(table.loc[table["value"].notna(), "protocol"]))
    if path.with_name("classes.csv").exists():
        made.append("classes/kept")
    was = before["scoring"]
    was = was if isinstance(was, str) else {name: was[name] for name in made}
    if old != {"code": before["code"], "scoring": was}:
        return f"refused: not current at {commit[:10]}"
    if different := differences(before, now):
        return f"refused: other numbers for {', '.join(different)}"
    record["fingerprint"]["code"] = now["code"]
    record["scoring"] = {name: now["scoring"][name] for name in made}
    if "images" not in record["fingerprint"]:
        record["fingerprint"] |= _images(record, table, now["scores"])
    record.setdefault("restamped", []).append(old | {"same_as_commit": commit})
    records.write(path.parent, record)
    return "stamped"


def _images(record: dict, table, rows: dict) -> dict[str, str]:
    """Of a record without a hash of all images: it, where floors and do-nothing tell the same.

    Both are functions of the real images alone, to eight digits in the record.
    """
    from replicate.lab import fingerprint

    for row in table.itertuples():
        now = rows.get(f"{row.direction} {row.metric} {row.protocol}", {})
        for column in ("floor", "do_nothing"):
            value = getattr(row, column)
            if value == value and now.get(column) not in (None, "None"):
                number = float(now[column].removeprefix("np.float64(").rstrip(")"))
                if f"{number:.8g}" != f"{value:.8g}":
                    return {}
    crop = record["config"].get("test_size") or record["config"]["crop_size"]
    return {"images": fingerprint.images_fingerprint(record["dataset"], crop)}


def main(words: list[str]) -> int:
    """Measures, compares, stamps; 1 where a record was refused."""
    if words[:1] == ["--measure"]:
        text, sys.stdout = sys.stdout, io.StringIO()
        measurements = {}
        with tempfile.TemporaryDirectory() as cache:
            for name in words[1:]:
                record = json.loads(Path(name).read_text(encoding="utf-8"))
                measurements[kind(record)] = measure(record, Path(cache))
        text.write(json.dumps(measurements))
        return 0
    from replicate import paths

    records = sorted((paths.published() / "runs").glob("*/*/*/run.json"))
    records = [path for path in records if not words[1:] or any(w in str(path) for w in words[1:])]
    kinds = {kind(json.loads(path.read_text(encoding="utf-8"))): path for path in records}
    git = ["git", "-C", str(paths.ROOT)]
    commit = subprocess.check_output([*git, "rev-parse", words[0]], text=True).strip()
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        subprocess.run([*git, "worktree", "add", "--detach", str(tree), commit], check=True)
        try:
            processes = [start(place, list(kinds.values())) for place in (tree, paths.ROOT)]
            before, now = map(finish, processes)
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", str(tree)], check=True)
    verdicts = {}
    for path in records:
        name = kind(json.loads(path.read_text(encoding="utf-8")))
        verdicts[path] = stamp(path, before[name], now[name], commit)
        print(f"{path.parent.relative_to(paths.published())}: {verdicts[path]}")
    return int(any(text != "stamped" for text in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
