"""A file from an address: resumed where it broke off, and under its final name only when whole."""

import hashlib
import os
from pathlib import Path

import httpx

from replicate.datasets.progress import bar
from replicate.errors import ReplicateError

TIMEOUT = 30.0  # s without a byte
ATTEMPTS = 4  # as long as each one brings bytes


class DownloadError(ReplicateError):
    """One address did not give the file; the text is `what went wrong` + ` at <url>`."""


def download(url: str, target: Path, show: bool) -> Path:
    """The file at `url`, saved as `target`.

    What has arrived lies in `<target>.<hash of url>.part`, from where a later call goes on if the
    server can (HTTP Range). A server that cannot sends the file again from its start.

    Raises:
        DownloadError: no connection, a status other than 200 or 206, an HTML page in place of a
            file, or fewer bytes than announced in every attempt.
    """
    part = target.with_name(f"{target.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(ATTEMPTS):
        before = _size(part)
        try:
            _receive(url, part, before, show)
            break
        except httpx.TransportError as error:
            if attempt + 1 == ATTEMPTS or _size(part) <= before:
                reason = str(error) or type(error).__name__
                kept = f", {_size(part)} bytes kept for the next run" if _size(part) else ""
                raise DownloadError(f"{reason}{kept} at {url}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DownloadError(f"{error} at {url}") from error
    os.replace(part, target)
    return target


def _receive(url: str, part: Path, have: int, show: bool) -> None:
    """One request; appends to `part`, or begins it anew where the server sends the whole file."""
    headers = {"Accept-Encoding": "identity"}  # the archive as it is, not packed once more
    if have:
        headers["Range"] = f"bytes={have}-"
    with httpx.stream(
        "GET", url, headers=headers, follow_redirects=True, timeout=TIMEOUT
    ) as response:
        if have and response.status_code == 416:  # nothing from there on: whole, or another file
            if response.headers.get("Content-Range", "").endswith(f"/{have}"):
                return None
            return _receive(url, part, 0, show)
        _check(response, have, url)
        resumed = response.status_code == 206
        length = response.headers.get("Content-Length")
        total = int(length) + have * resumed if length else None
        with (
            part.open("ab" if resumed else "wb") as file,
            bar(total, f"downloading {part.name.rsplit('.', 2)[0]}", "B", show) as progress,
        ):
            progress.update(have * resumed)
            for chunk in response.iter_raw():  # a chunk size would hold back the tail
                file.write(chunk)
                progress.update(len(chunk))
            file.flush()
            os.fsync(file.fileno())
    return None


def _check(response: httpx.Response, have: int, url: str) -> None:
    if response.status_code not in (200, 206):
        raise DownloadError(f"{response.status_code} at {url}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError(f"an HTML page in place of the archive at {url}")
    starts = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    if response.status_code == 206 and not starts:
        raise DownloadError(f"another range than the one asked for at {url}")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
