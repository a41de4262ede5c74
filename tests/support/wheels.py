"""A wheel of this checkout in an environment of its own, outside the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from replicate import paths

BUILT_FROM = (
    "pyproject.toml", "setup.py", "README.md", "LICENSE", "Snakefile", "replicate", "data",
    "notebooks", "profiles", "results/published/runs",
)  # fmt: skip


def build(folder: Path) -> Path:
    """The wheel, made of a copy: a build leaves files beside its sources."""
    source = folder / "source"
    listed = ["git", "-C", paths.ROOT, "ls-files", "-co", "--exclude-standard", "-z", *BUILT_FROM]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        file = paths.ROOT / name
        if file.suffix != ".png" and file.is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, source / name)
    _called(
        sys.executable, "-m", "uv", "build", "--quiet", "--offline", "--wheel",
        "--no-build-isolation", "--python", sys.executable, "--out-dir", folder / "dist", source,
    )  # fmt: skip
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """The `replicate` of a new environment with this wheel.

    Its dependencies are those of the environment that tests, by a link: a minute's download less.
    What that environment has installed as editable does not come with it.
    """
    _called(sys.executable, "-m", "venv", "--without-pip", folder)
    place = next(folder.glob("lib/python*/site-packages"))
    linked = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (place / "dependencies.pth").write_text("\n".join(sorted(linked)) + "\n")
    python = folder / "bin" / "python"
    _called(
        sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps",
        "--python", python, wheel,
    )  # fmt: skip
    return folder / "bin" / "replicate"


def bare(home: Path) -> dict[str, str]:
    """Variables of somebody who has set none for `replicate`, at home in `home`."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("REPLICATE", "XDG", "PYTHON"))}
    return own | {"HOME": str(home), "OMP_NUM_THREADS": "1", "MPLCONFIGDIR": str(home / "mpl")}


def _called(*command: object) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
