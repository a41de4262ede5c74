"""Damage inside a JPEG file that decoders pass over in silence."""

import re

STANDALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a segment: TEM, RST0 to RST7, SOI
RESTARTS = range(0xD0, 0xD8)
SCAN, END, RESTART_INTERVAL = 0xDA, 0xD9, 0xDD
# What may stand between the scans of one picture: tables, heights, comments, another scan, the end.
BETWEEN = {0xC4, 0xDB, RESTART_INTERVAL, 0xDC, 0xFE, SCAN, END, *range(0xE0, 0xF0)}
MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)


def damage(content: bytes) -> str | None:
    """`stray marker FF A3 at byte 20134` where the pixels' data are broken, else None.

    Inside the data of a scan the byte FF is followed by 00, or is a restart marker if the file
    announced an interval. Overwritten data break this about once in 256 bytes; a decoder goes on at
    the next place that it can read, with wrong pixels and no error. Data that keep the rule pass.

    Args:
        content: of the file; what is no JPEG gives None.

    Source: ITU-T T.81, B.1.1.2 and B.2.1.
    """
    if not content.startswith(b"\xff\xd8"):
        return None
    place, restarts, scanned = 2, False, False
    while found := MARKER.search(content, place):
        code, place = found[1][0], found.end()
        if code == END and scanned:
            return None
        if code in RESTARTS and scanned and restarts:
            continue
        if scanned and code not in BETWEEN:
            return f"stray marker FF {code:02X} at byte {found.start()}"
        if code in STANDALONE:
            continue
        length = int.from_bytes(content[place : place + 2])
        restarts = (
            content[place + 2 : place + 4] != b"\0\0" if code == RESTART_INTERVAL else restarts
        )
        scanned = scanned or code == SCAN
        place += length
    return "no end of image" if scanned else None
