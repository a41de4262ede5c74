"""Where things are. Nothing here depends on the working directory.

`REPLICATE_DATA` moves downloads and packed arrays, `REPLICATE_RESULTS` what this machine trains.
Both are read at every call, so that a notebook, a test and the command line agree.

In a checkout everything lies in it. An installed wheel holds what is only read in `shipped/`, and
writes to folders of the user's, never beside the package.
"""

import errno
import os
from pathlib import Path

from replicate.errors import ReplicateError, printable

PACKAGE = Path(__file__).resolve().parent
SHIPPED = PACKAGE / "shipped"  # made by setup.py, in a wheel alone
INSTALLED = SHIPPED.is_dir()
ROOT = SHIPPED if INSTALLED else PACKAGE.parent
REFUSED = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG,
    errno.ELOOP,
}  # fmt: skip


def data() -> Path:
    """The folder of downloaded (`raw/`) and packed (`packed/`) images; default `data/`."""
    return _chosen("REPLICATE_DATA", "data", "data")


def results() -> Path:
    """The folder of what this machine trains; default `results/local`."""
    return _chosen("REPLICATE_RESULTS", "results", "results/local")


def derived(*parts: str) -> Path:
    """Where something made of images lies: below the data folder, or where that may only be read,
    in `cache/` below the results."""
    place = data().joinpath(*parts)
    folder = place if place.is_dir() else place.parent
    return place if may_write(folder) else results().joinpath("cache", *parts)


def may_write(path: Path) -> bool:
    """Whether files can be made at `path`, or below it, with the folders that are missing."""
    try:
        while not path.exists() and path != path.parent:
            path = path.parent
    except OSError:  # a name that is too long
        return False
    return path.is_dir() and os.access(path, os.W_OK | os.X_OK)


def made(folder: Path) -> Path:
    """The folder, made where it is missing.

    Raises:
        ReplicateError: it cannot be made, or may not be written; it and its variable are named.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not may_write(folder):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
    except OSError as error:
        message = refusal(error) or f"{folder} cannot be written ({error.strerror})"
        raise ReplicateError(message) from None
    return folder


def refusal(error: OSError) -> str:
    """What an error of the system means for a file of the results or the data; else nothing."""
    if error.errno not in REFUSED or not error.filename:
        return ""
    place = Path(error.filename)
    for variable, root in (("REPLICATE_RESULTS", results()), ("REPLICATE_DATA", data())):
        if place.is_relative_to(root) or root.is_relative_to(place):
            now = "" if place == root else f", now {root}"
            return (
                f"{place} cannot be written ({error.strerror}). Allow it, or name another folder "
                f"with {variable}{now}"
            )
    return ""
    place = Path(error.filename)
    for variable, root in (("REPLICATE_RESULTS", results()), ("REPLICATE_DATA", data())):
        if place.is_relative_to(root) or root.is_relative_to(place):
            return (
                f"{root}: {place} cannot be written ({error.strerror}). Allow it, or name another "
                f"folder with {variable}"
            )
    return ""


def published() -> Path:
    """The folder of the committed records, tables, plots and notebooks."""
    return ROOT / "results" / "published"


def reported() -> Path:
    """The folder of the papers' printed tables, one TOML file a paper."""
    return ROOT / "data" / "reported"


def claims() -> Path:
    """The file of the papers' claims and of the runs that try them."""
    return ROOT / "data" / "claims.toml"


def quick() -> Path:
    """The file of the runs that `make replicate` trains."""
    return ROOT / "data" / "quick.toml"


def deviations(method: str) -> Path:
    """The file of what a method does otherwise than its paper or official code."""
    return ROOT / "data" / "deviations" / f"{method}.toml"


def notebooks() -> Path:
    """The folder of the notebooks and, in `params/<budget>/`, of what papermill injects."""
    return ROOT / "notebooks"


def shown(path: Path) -> str:
    """The path as errors print it: from the project's root where it lies inside, else in full."""
    return printable(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path))


def needs_checkout(what: str) -> None:
    """Nothing in a checkout; of an installed package the error that `what` writes into one."""
    if INSTALLED:
        raise ReplicateError(
            f"{what} writes into the files of a checkout, and this package was installed without "
            "one; clone the repository and run it there"
        )


def _chosen(variable: str, users: str, below: str) -> Path:
    """The folder that a variable names; else one below the checkout, or the user's for data."""
    chosen = os.environ.get(variable) or (_of_user(users) if INSTALLED else ROOT / below)
    try:
        return Path(chosen).expanduser().resolve()
    except (OSError, RuntimeError) as error:  # links in a circle, the home of nobody
        raise ReplicateError(f"{variable}={chosen}: {error}; expected a folder") from None


def _of_user(name: str) -> Path:
    from platformdirs import user_data_path

    return user_data_path("replicate") / name
