"""What `pyproject.toml` cannot say: data that lies beside the package travels inside the wheel."""

import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
# What commands and notebooks read, and nothing that they write. Pictures of the records stay away:
# they are most of the megabytes.
TRAVELS = (
    "data/*.toml", "data/*.yaml", "data/palettes/*.toml", "data/deviations/*.toml",
    "data/reported/*.toml", "data/checkpoints/*.toml", "notebooks/*.ipynb",
    "notebooks/params/**/*.yaml",
    "profiles/**/*.yaml", "Snakefile", "replicate/lab/rules/**/*.*",
    "results/published/runs/**/*.json", "results/published/runs/**/*.csv",
    "results/published/studies/**/*.json", "results/published/weights/**/*.*",
)  # fmt: skip


class Build(build_py):
    """Copies the data to `replicate/shipped`, which `replicate.paths` looks for."""

    def run(self) -> None:
        if not self.editable_mode:  # there the checkout itself is read
            shutil.rmtree(Path(self.build_lib) / "replicate", ignore_errors=True)
        super().run()
        if not self.editable_mode:
            self._ship(Path(self.build_lib) / "replicate" / "shipped")

    def _ship(self, target: Path) -> None:
        for pattern in TRAVELS:
            for file in sorted(HERE.glob(pattern)):
                place = target / file.relative_to(HERE)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)
        (target / "commit.txt").write_text(_commit())


def _commit() -> str:
    """`<commit> clean` or `<commit> dirty`: what `git` would say in the checkout."""
    changed = ["status", "--porcelain", "--", "replicate", "notebooks"]
    try:
        head, differs = (
            subprocess.run(["git", "-C", HERE, *words], capture_output=True, text=True, check=True)
            for words in (["rev-parse", "HEAD"], changed)
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown dirty\n"
    return f"{head.stdout.strip()} {'dirty' if differs.stdout.strip() else 'clean'}\n"


setup(cmdclass={"build_py": Build})
