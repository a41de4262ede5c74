"""What becomes of prints when nobody reads on, as behind `| head -1`: they are dropped."""

import io
import os
import sys


class _Pipe(io.FileIO):
    """A file of the system whose reader may leave: what is written after that goes nowhere."""

    def write(self, content: bytes) -> int:
        try:
            return super().write(content)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())  # processes that inherit the file write there too
            os.close(nowhere)
            return len(content)


def survive_closed_pipes() -> None:
    """Lets a command finish its work, and end well, though its output is cut off.

    Streams that are not the process's own, such as a test's, stay as they are.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or stream is not getattr(sys, f"__{name}__"):
            continue
        stream.flush()
        raw = io.BufferedWriter(_Pipe(stream.fileno(), "wb", closefd=False))
        wrapper = io.TextIOWrapper(
            raw, stream.encoding, stream.errors, line_buffering=stream.line_buffering
        )
        setattr(sys, name, wrapper)
