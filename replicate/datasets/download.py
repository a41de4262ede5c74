"""A file from an address: retried, resumed where it broke off, under its name only when whole."""

import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from replicate.datasets import placing
from replicate.errors import ReplicateError, hidden
from replicate.files import move
from replicate.progress import bar

TIMEOUT = 30.0  # s without a byte
TRIES = 4  # in a row that brought little
LITTLE = 1 << 20  # bytes
PAUSE = 1.0  # s before the second try; doubled for each further one
LONGEST_PAUSE = 60.0  # s; who asks for a longer one is not waited for
PASSING = {408, 425, 429, 500, 502, 503, 504}  # statuses that may be another one soon
PAGES = ("text/html", "application/xhtml+xml")


class DownloadError(ReplicateError):
    """One address did not give the file; the text is `what went wrong` + ` at <url>`."""

    def __init__(self, text: str) -> None:
        super().__init__(hidden(text))


class _Passing(Exception):
    """What another try may cure; `pause` is what the server asks for, s."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


def download(
    url: str,
    target: Path,
    show: bool,
    refuse: Callable[[Path], str] = lambda path: "",
    size: int = 0,
) -> Path:
    """The file at `url`, saved as `target`.

    What has arrived lies in `<target>.<hash of url>.part`, from where a later try or call goes on
    if the server can (HTTP Range) and its file is still the same one (If-Range). A server that
    cannot sends the file again from its start.

    Args:
        refuse: says what is wrong with the whole file, or nothing. A file that was put together
            from several tries and is refused is fetched once more in one piece.
        size: bytes on record, after which the download stops; 0 where nobody knows.

    Raises:
        DownloadError: no connection, a status other than 200 or 206, an HTML page in place of a
            file, fewer bytes than announced in every try, more than `size`, or a file that `refuse`
            refuses.
        ReplicateError: the disk is full, or cannot be written to.
    """
    part = target.with_name(f"{target.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part")
    with placing.writing(target.name, target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        resumed = _complete(url, part, show, size)
        if resumed and refuse(part):
            _forget(part)
            _complete(url, part, show, size)
        if reason := refuse(part):
            _forget(part)
            raise DownloadError(f"{reason} at {url}")
        move(part, target)
        _forget(part)
    return target


def _complete(url: str, part: Path, show: bool, size: int) -> bool:
    """Tries until `part` is whole; whether it was put together from several answers."""
    failed = 0
    while True:
        before = _size(part)
        try:
            return _receive(url, part, before, show, size)
        except _Passing as error:
            failed = 1 if _size(part) - before >= LITTLE else failed + 1
            pause = PAUSE * 2 ** (failed - 1) if error.pause is None else error.pause
            if failed == TRIES or pause > LONGEST_PAUSE:
                raise _given_up(error, pause, part, url) from error
            if show:
                print(f"{_name(part)}: {hidden(str(error))}; trying again in {pause:.0f} s")
        time.sleep(pause)


def _given_up(error: _Passing, pause: float, part: Path, url: str) -> DownloadError:
    wait = f", asks to wait {pause:.0f} s" if error.pause and pause > LONGEST_PAUSE else ""
    if not (size := _size(part)):
        _forget(part)
    return DownloadError(
        f"{error}{wait}{f', {size} bytes kept for the next run' if size else ''} at {url}"
    )


def _receive(url: str, part: Path, have: int, show: bool, size: int) -> bool:
    """One request; appends to `part` or begins it anew. Whether it went on from what was there.

    Raises:
        _Passing: another try may go better.
        DownloadError: it would not.
    """
    try:
        with httpx.stream(
            "GET", url, headers=_headers(part, have), follow_redirects=True, timeout=TIMEOUT
        ) as response:
            if have and response.status_code == 416:  # nothing from there on
                if response.headers.get("Content-Range", "").endswith(f"/{have}"):
                    return True
                raise _stale(part, "the file is shorter than what was kept of it")
            _check(response, url)
            if response.status_code == 206 and not _continues(response, part, have):
                raise _stale(part, "another range than the one asked for")
            return _save(response, part, have, show, size)
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise DownloadError(f"{error} at {url}") from error
    except httpx.TransportError as error:
        raise _Passing(str(error) or type(error).__name__) from error
    except httpx.HTTPError as error:
        raise DownloadError(f"{error} at {url}") from error


def _headers(part: Path, have: int) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}  # the archive as it is, not packed once more
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator := _known(part).get("validator"):
            headers["If-Range"] = validator  # another file now: the server sends all of it
    return headers


def _check(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if status in PASSING:
        raise _Passing(f"{status}", _pause(response.headers.get("Retry-After", "")))
    if status not in (200, 206):
        raise DownloadError(f"{status} at {url}")
    if response.headers.get("Content-Type", "").lower().startswith(PAGES):
        raise DownloadError(f"an HTML page in place of the archive at {url}")


def _pause(retry_after: str) -> float | None:
    """The seconds of a `Retry-After`, which is a number or a date; None where it is neither."""
    if re.fullmatch(r"\s*[0-9]+\s*", retry_after):
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _continues(response: httpx.Response, part: Path, have: int) -> bool:
    """Whether the answer goes on where `part` ends, in a file as long as it was."""
    span, _, total = response.headers.get("Content-Range", "").partition("/")
    known = _known(part).get("total")
    return span.startswith(f"bytes {have}-") and (known is None or total in ("*", str(known)))


def _save(response: httpx.Response, part: Path, have: int, show: bool, size: int) -> bool:
    resumed = have * (response.status_code == 206)
    length = response.headers.get("Content-Length")
    total = int(length) + resumed if length else None
    if size and (total or 0) > size:
        raise _too_long(part, f"{total} bytes announced", size, response)
    if total:
        placing.check_room(_name(part), part.parent, total - resumed)
    if not resumed:
        _remember(part, response, total)
    with (
        part.open("ab" if resumed else "wb") as file,
        bar(total, f"downloading {_name(part)}", "B", show) as progress,
    ):
        progress.update(resumed)
        for chunk in response.iter_raw():  # a chunk size would hold back the tail
            if size and file.tell() + len(chunk) > size:
                raise _too_long(part, "more bytes", size, response)
            file.write(chunk)
            progress.update(len(chunk))
        file.flush()
        os.fsync(file.fileno())
    return resumed > 0


def _too_long(part: Path, length: str, size: int, response: httpx.Response) -> DownloadError:
    """The error for a file that is longer than the one on record, of which nothing is kept."""
    _forget(part)
    url = (response.history or [response])[0].url  # before it led elsewhere
    return DownloadError(f"size mismatch (found {length}, expected {size}) at {url}")


def _name(part: Path) -> str:
    return part.name.rsplit(".", 2)[0]


def _remember(part: Path, response: httpx.Response, total: int | None) -> None:
    """Notes which file `part` is the beginning of."""
    tag = response.headers.get("ETag", "")
    strong = tag if tag and not tag.startswith("W/") else ""  # a weak one may not be asked for
    validator = strong or response.headers.get("Last-Modified", "")
    _note(part).write_text(json.dumps({"validator": validator, "total": total}), encoding="utf-8")


def _known(part: Path) -> dict:
    try:
        return json.loads(_note(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _stale(part: Path, reason: str) -> _Passing:
    _forget(part)
    return _Passing(reason, 0.0)


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
