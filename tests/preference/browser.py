"""Chromium without a window, driven through its DevTools protocol with real input."""

import base64
import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import websocket

PROGRAM = shutil.which("chromium")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions",
    "--hide-scrollbars", "--remote-debugging-port=0",
)  # fmt: skip
WAIT = 60.0  # s; a loaded machine starts a browser slowly, a broken page would wait for ever
CODES = {"Backspace": 8, "Tab": 9, "Enter": 13, " ": 32, "ArrowLeft": 37, "ArrowRight": 39}


class Browser:
    """A Chromium process with its own profile; a tab is a `Page`."""

    def __init__(self, profile: Path) -> None:
        port_file = profile / "DevToolsActivePort"
        port_file.unlink(missing_ok=True)
        command = [PROGRAM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + WAIT
        while not (port_file.exists() and len(port_file.read_text().split()) == 2):
            assert time.monotonic() < end, "chromium did not start"
            time.sleep(0.02)
        self.pages: list[Page] = []
        self.port, path = port_file.read_text().split()
        self.address = f"ws://127.0.0.1:{self.port}{path}"

    def open(self, file: Path, before: str = "") -> "Page":
        """A new tab that shows a file; `before` runs in it ahead of the page's own script."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        connection.request("PUT", "/json/new?about:blank")
        target = json.loads(connection.getresponse().read())
        connection.close()
        self.pages.append(Page(target["webSocketDebuggerUrl"], file, before))
        return self.pages[-1]

    def stop(self) -> None:
        """Closes the browser, as a person does, and waits until it is gone."""
        for page in self.pages:
            page.socket.close()
        try:
            control = websocket.create_connection(self.address, timeout=WAIT, suppress_origin=True)
            control.send(json.dumps({"id": 1, "method": "Browser.close"}))
            self.process.wait(WAIT)
            control.close()
        finally:
            self.process.kill()
            self.process.wait(WAIT)


class Page:
    """A tab; notes every request, message on the console and exception."""

    def __init__(self, address: str, file: Path, before: str) -> None:
        self.socket = websocket.create_connection(address, timeout=WAIT, suppress_origin=True)
        self.sent = 0
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.loads = 0
        for domain in ("Page", "Runtime", "Log", "Network", "Inspector"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setFocusEmulationEnabled", enabled=True
        )  # as if its window were on top
        self.size(1366, 768)
        if before:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        self._load("Page.navigate", url=file.resolve().as_uri())

    def call(self, method: str, **params: object) -> dict:
        """The answer to a DevTools command; what happened meanwhile is noted."""
        self.send(method, **params)
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.sent:
                assert "error" not in message, (method, message["error"])
                return message["result"]
            self._note(message)

    def send(self, method: str, **params: object) -> None:
        """Sends a DevTools command whose answer nobody waits for."""
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": params}))

    def _note(self, event: dict) -> None:
        kind, params = event.get("method"), event.get("params", {})
        if kind == "Page.loadEventFired":
            self.loads += 1
        elif kind == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif kind in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.complaints.append(json.dumps(params)[:500])

    def value(self, expression: str) -> object:
        """The value of a JavaScript expression."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Waits until an expression holds."""
        end = time.monotonic() + WAIT
        while not self.value(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.02)

    def text(self, selector: str) -> str:
        """What a person can read in an element; empty if it is hidden."""
        return self.value(f"document.querySelector({json.dumps(selector)}).innerText")

    def visible(self, selector: str) -> bool:
        """Whether an element takes up room."""
        return self.value(f"document.querySelector({json.dumps(selector)}).offsetHeight > 0")

    def click(self, selector: str, times: int = 1) -> None:
        """Clicks the middle of an element, as a double click where `times` is 2."""
        place = self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'nearest'}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for count in range(1, times + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self.call(
                    "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left",
                    clickCount=count,
                )  # fmt: skip

    def press(self, key: str, repeats: int = 0) -> None:
        """Presses a key, holds it for so many repeats, and lets it go."""
        code = CODES.get(key, ord(key[0].upper()))
        what = {"key": key, "windowsVirtualKeyCode": code}
        typed = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        for i in range(repeats + 1):
            down = "keyDown" if typed else "rawKeyDown"
            self.call("Input.dispatchKeyEvent", type=down, text=typed, autoRepeat=i > 0, **what)
        self.call("Input.dispatchKeyEvent", type="keyUp", **what)

    def type(self, text: str) -> None:
        """Presses the key of each character."""
        for character in text:
            self.press(character)

    def size(self, width: int, height: int, scale: float = 1, mobile: bool = False) -> None:
        """Gives the window a size in CSS px."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=scale, mobile=mobile,
        )  # fmt: skip
        self.value("new Promise(drawn => setTimeout(() => requestAnimationFrame(drawn), 50))")

    def downloads_to(self, folder: Path) -> None:
        """Lets the tab save files there without asking."""
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def reload(self) -> None:
        """Loads the page again."""
        self._load("Page.reload")

    def _load(self, method: str, **params: object) -> None:
        loads = self.loads
        self.call(method, **params)
        while self.loads == loads:
            self._note(json.loads(self.socket.recv()))

    def crash(self) -> None:
        """Ends the process of the tab as if it had crashed."""
        self.send("Page.crash")
        while json.loads(self.socket.recv()).get("method") != "Inspector.targetCrashed":
            pass

    def picture(self, file: Path) -> None:
        """A PNG file of what the window shows."""
        shot = self.call("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """Closes the tab."""
        self.call("Page.close")
        self.socket.close()


def foreign(requests: Iterable[str]) -> list[str]:
    """The requests that leave the file itself."""
    return [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]
