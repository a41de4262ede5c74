"""A server on this machine with every fault that a download must live through."""

import http.server
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler


class Server:
    """Serves `pages` by path: bytes, or a status; remembers every request's range.

    Attributes:
        types: the media type by path; else that of a zip.
        headers: further headers by path.
        failures: statuses, with the headers of each, that come before the first page.
        break_after: bytes after which every answer breaks off.
        breaks: the same for one answer each, in turn.
        can_resume: whether it knows ranges.
        tells_length: whether it announces how long a page is.
        stall: s without a byte in the middle of the next answer only.
        chunk: bytes sent at once, with `delay` s after each.
        gate: what every answer waits for after its first chunk.
    """

    def __init__(self) -> None:
        self.url = ""
        self.pages: dict[str, bytes | int] = {}
        self.types: dict[str, str] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.failures: list[tuple[int, dict[str, str]]] = []
        self.break_after: int | None = None
        self.breaks: list[int] = []
        self.ranges: list[str | None] = []
        self.can_resume = True
        self.tells_length = True
        self.stall = 0.0
        self.chunk, self.delay = 1 << 20, 0.0
        self.gate = threading.Event()
        self.gate.set()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.ranges.append(wanted)
        page = self.pages.get(request.path, 404)
        if self.failures:
            status, headers = self.failures.pop(0)
            _send(request, status, headers | {"Content-Length": "0"})
        elif isinstance(page, int):
            request.send_error(page)
        else:
            self._give(request, page, self._start(request, wanted))

    def _start(self, request: BaseHTTPRequestHandler, wanted: str | None) -> int:
        """The first byte asked for; 0 where this server, or the condition, wants all sent."""
        asked = request.headers.get("If-Range")
        tag = self.headers.get(request.path, {}).get("ETag")
        if not wanted or not self.can_resume or (asked and asked != tag):
            return 0
        return int(re.match(r"bytes=(\d+)-", wanted)[1])

    def _give(self, request: BaseHTTPRequestHandler, page: bytes, start: int) -> None:
        if start and start >= len(page):
            headers = {"Content-Range": f"bytes */{len(page)}", "Content-Length": "0"}
            _send(request, 416, headers)
            return
        headers = {"Content-Type": self.types.get(request.path, "application/zip")}
        headers |= self.headers.get(request.path, {})
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(page) - 1}/{len(page)}"
        if self.tells_length:
            headers["Content-Length"] = str(len(page) - start)
        _send(request, 206 if start else 200, headers)
        end = self.breaks.pop(0) if self.breaks else self.break_after
        self._write(request, page[start:][:end])

    def _write(self, request: BaseHTTPRequestHandler, content: bytes) -> None:
        stall, self.stall = self.stall, 0.0
        for i in range(0, len(content), self.chunk):
            try:
                request.wfile.write(content[i : i + self.chunk])
            except OSError:  # the client has given up
                return
            self.gate.wait()
            time.sleep(stall or self.delay)
            stall = 0.0


def _send(request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()


@contextmanager
def serving() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        state.url = f"http://127.0.0.1:{running.server_port}"
        try:
            yield state
        finally:
            running.shutdown()
            thread.join()
