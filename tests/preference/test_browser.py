"""The page in a real browser: every mode from first to last trial, by mouse and by keyboard."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from preference.browser import PROGRAM, WAIT, Browser, Page, foreign

from replicate.preference.modes import MODES
from replicate.preference.scoring import score

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed")

FAVOURITE = "zorblax"
SHOWN = "[...document.querySelectorAll('#options button')].map(b => b.dataset.value)"
READY = "document.getElementById('stage').ariaBusy === 'false'"


class Participant:
    """Somebody at a page who believes the favourite and chooses it wherever it is shown."""

    def __init__(self, browser: Browser, made, downloads: Path, before: str = "") -> None:
        self.browser, self.made, self.key, self.downloads = browser, made, made.key, downloads
        self.open(before)

    def open(self, before: str = "") -> None:
        self.page: Page = self.browser.open(self.made.page, before)
        self.page.downloads_to(self.downloads)

    def start(self, name: str, hand: str) -> None:
        page = self.page
        if hand == "mouse":
            page.value(f"document.getElementById('participant').value = '{name}'")
            page.click("#start button")
        else:
            page.type(name)  # the random name is selected, so this replaces it
            page.press("Enter")
        page.until("document.getElementById('welcome').hidden")

    def wanted(self) -> int:
        """The place of the option to choose."""
        self.page.until(READY)  # the page takes no answer before
        options, images = self.page.value(SHOWN), self.key["images"]
        if self.key["mode"] != "fool":
            methods = [images[option]["method"] for option in options]
            return methods.index(FAVOURITE) if FAVOURITE in methods else 0
        source = self.page.value("document.getElementById('input').src").partition(",")[2]
        told = json.loads(self.page.value("document.getElementById('study').textContent"))
        (shown,) = [name for name, png in told["images"].items() if png == source]
        return 0 if images[shown]["method"] in ("", FAVOURITE) else 1

    def answer(self, hand: str) -> None:
        place, count = self.wanted(), self.page.text("#count")
        if hand == "mouse":
            self.page.click(f"#options button:nth-child({place + 1})")
        elif hand == "arrows":
            self.page.press(("ArrowLeft", "ArrowRight")[place])
        elif hand == "tab":
            for _ in range(place + 1):
                self.page.press("Tab")
            self.page.press("Enter")
        else:
            self.page.press(str(place + 1))
        moved = f"document.getElementById('count').textContent !== '{count}'"
        self.page.until(f"document.getElementById('trial').hidden || {moved}")

    def finish(self, hand: str) -> Path:
        """Answers what is open and downloads the file."""
        while self.page.visible("#trial"):
            self.answer(hand)
        return self.download(hand)

    def download(self, hand: str) -> Path:
        if hand == "mouse":
            self.page.click("#download")
        else:
            self.page.press("Tab")
            self.page.press("Enter")
        file = self.downloads / self.page.text("#file")
        end = time.monotonic() + WAIT
        # Chromium makes the file empty and fills it when all of it has arrived.
        while not (file.exists() and file.stat().st_size):
            assert time.monotonic() < end, "no file was downloaded"
            time.sleep(0.02)
        return file

    def kept(self) -> list[dict]:
        """The answers in the browser's storage."""
        name = f"preference-{self.key['study']}"
        text = f"localStorage.getItem('{name}-' + localStorage.getItem('{name}'))"
        return json.loads(self.page.value(text))["answers"]


@pytest.fixture
def participant(browser: Browser, tmp_path: Path) -> Callable[..., Participant]:
    """A function that seats somebody; at the end nothing was complained of or fetched."""
    seated = []

    def seat(made, before: str = "") -> Participant:
        seated.append(Participant(browser, made, tmp_path / "downloads", before))
        return seated[-1]

    yield seat
    for each in seated:
        assert each.page.complaints == []
        assert each.page.requests and foreign(each.page.requests) == []
        each.page.close()


@pytest.mark.parametrize(
    "mode, hand",
    [(mode, hand) for mode in MODES for hand in ("mouse", "keys")]
    + [("pair", "arrows"), ("best-of-n", "tab")],
)
def test_a_study_from_first_to_last_trial(study, participant, mode, hand):
    methods = 3 if mode == "best-of-n" else 2
    made = study(mode, methods, trials=4 if methods == 2 else 3, repeats=int(methods % 2 == 0))
    someone = participant(made)
    assert not someone.page.visible("#warning")
    someone.start("p1", hand)
    file = someone.finish(hand)
    assert file.name == f"answers-{made.key['study']}-p1.json"
    assert json.loads(file.read_text()) == json.loads(
        someone.page.value("document.getElementById('text').value")
    )
    result = score(made.key_file, [file])
    assert [share.percent for share in result.shares] == {
        "fool": [0, 100, 100], "best-of-n": [0, 0, 100], "pair": [0],
    }[mode]  # fmt: skip
    assert result.answers == len(made.key["trials"])
    assert result.repeated == result.alike == made.key["repeats"]
    answers = json.loads(file.read_text())["answers"]
    if mode != "fool":  # over the first showings every method stood equally often at every place
        first = [a["shown"] for a in answers if a["showing"] == 0]
        places = [[made.key["images"][i]["method"] for i in shown] for shown in first]
        for place in zip(*places, strict=True):
            assert {place.count(name) for name in place} == {len(first) // methods}
    assert all(300 <= answer["ms"] < 1000 * WAIT for answer in answers)  # from the page's lock on


def test_a_reload_and_a_crash_of_the_tab_lose_no_answer(study, participant):
    someone = participant(study("pair"))
    someone.start("p1", "keys")
    someone.answer("keys")
    someone.answer("mouse")
    before = someone.kept()
    assert len(before) == 2
    someone.page.reload()
    assert someone.page.text("#count") == "3 of 4" and someone.kept() == before
    someone.answer("keys")
    someone.page.crash()
    someone.page.reload()  # what Chromium's own page about the crash offers
    assert someone.page.text("#count") == "4 of 4" and someone.kept()[:2] == before
    result = score(someone.made.key_file, [someone.finish("keys")])
    assert (result.answers, result.shares[0].percent) == (4, 0)


def test_a_reload_loses_nothing_that_the_storage_does_not_show_yet(study, participant):
    """A page loaded again on a busy machine can find its storage as it was before."""
    someone = participant(study("pair"))
    someone.start("p1", "keys")
    someone.answer("keys")
    before = someone.kept()
    name = f"'preference-{someone.key['study']}-p1'"
    kept = f"JSON.parse(localStorage.getItem({name}))"
    older = f"localStorage.setItem({name}, JSON.stringify({{...{kept}, answers: []}}))"
    for view in (older, "localStorage.clear()"):
        someone.page.value(view)
        someone.page.reload()
        assert someone.page.text("#count") == "2 of 4" and someone.kept() == before


def test_closing_the_browser_loses_no_answer(study, tmp_path):
    made, profile = study("pair"), tmp_path / "profile"
    first = Browser(profile)
    someone = Participant(first, made, tmp_path)
    someone.start("p1", "keys")
    someone.answer("keys")
    someone.answer("keys")
    first.stop()
    someone.browser = Browser(profile)
    try:
        someone.open()
        assert someone.page.text("#count") == "3 of 4"
        assert score(made.key_file, [someone.finish("mouse")]).answers == 4
    finally:
        someone.browser.stop()


def test_a_double_click_or_a_held_key_answers_one_trial(study, participant):
    someone = participant(study("pair"))
    someone.start("p1", "mouse")
    someone.page.until(READY)
    someone.page.click("#options button", times=2)
    someone.page.until(READY)
    assert someone.page.text("#count") == "2 of 4"
    someone.page.press("2", repeats=30)
    someone.page.until(READY)
    assert someone.page.text("#count") == "3 of 4"
    someone.page.press("Tab")
    someone.page.press("Enter", repeats=30)
    someone.page.until(READY)
    assert someone.page.text("#count") == "4 of 4"
    assert [answer["n"] for answer in someone.kept()] == [1, 2, 3]


def test_one_may_go_back_one_trial_and_correct_it(study, participant):
    someone = participant(study("pair"))
    page = someone.page
    someone.start("p1", "keys")
    assert page.value("document.getElementById('back').disabled")
    someone.answer("keys")
    wrong = 2 - someone.wanted()
    page.press(str(wrong))
    page.until("document.getElementById('count').innerText === '3 of 4'")
    page.until(READY)
    page.press("Backspace")
    page.until(READY)
    assert page.text("#count") == "2 of 4" and page.text("#back") == "Keep answer"
    assert page.value(f"document.querySelectorAll('#options button')[{wrong - 1}].ariaPressed") == (
        "true"
    )
    page.press("Backspace")  # not a second trial back, but on again
    page.until(READY)
    assert page.text("#count") == "3 of 4" and len(someone.kept()) == 2
    page.click("#back")
    someone.answer("mouse")
    assert page.text("#count") == "3 of 4"
    assert [answer["n"] for answer in someone.kept()] == [1, 2, 2]
    result = score(someone.made.key_file, [someone.finish("keys")])
    assert (result.answers, result.shares[0].percent) == (4, 0)


def test_who_stops_can_send_what_there_is_and_go_on(study, participant):
    someone = participant(study("fool", trials=8))
    someone.start("p1", "mouse")
    someone.answer("mouse")
    someone.page.click("#stop")
    assert "1 of 8 questions" in someone.page.text("#summary")
    assert score(someone.made.key_file, [someone.download("mouse")]).notes[0] == (
        "p1 answered 1 of 8 trials"
    )
    someone.page.click("#return")
    assert someone.page.text("#count") == "2 of 8"


def test_a_second_participant_on_the_device_leaves_the_first_ones_answers(study, participant):
    someone = participant(study("best-of-n", 3, trials=3))
    orders = []
    for name in ("p1", "p2"):
        someone.start(name, "keys")
        someone.finish("mouse")
        orders.append([(answer["trial"], answer["shown"]) for answer in someone.kept()])
        someone.page.click("#next")
    assert orders[0] != orders[1]
    someone.start("p1", "keys")
    someone.page.until("document.getElementById('end').offsetHeight > 0")


BLOCKED = """Object.defineProperty(window, "localStorage",
  { configurable: true, get() { throw new DOMException("blocked", "SecurityError"); } });"""


def test_without_storage_the_page_says_so_and_works(study, participant):
    someone = participant(study("pair"), BLOCKED)
    assert "does not keep your answers" in someone.page.text("#warning")
    someone.start("p1", "keys")
    assert score(someone.made.key_file, [someone.finish("keys")]).answers == 4


def test_a_limited_exposure_ends(study, participant):
    someone = participant(study("fool", seconds=0.2))
    hidden = "getComputedStyle(document.getElementById('input')).visibility === 'hidden'"
    someone.start("p1", "keys")
    someone.page.until(hidden)
    someone.page.until(READY)
    someone.page.press("1")
    someone.page.until(f"!({hidden})")
    someone.page.until(hidden)
    someone.page.until(READY)
    someone.page.press("Backspace")  # corrects a slip; is no second look
    someone.page.until(READY)
    assert someone.page.text("#count") == "1 of 4" and someone.page.value(hidden)


@pytest.mark.parametrize("mode", MODES)
def test_images_are_alike_enlarged_by_whole_pixels_and_fit(study, participant, mode):
    someone = participant(study(mode, 3, trials=6))
    someone.start("p1", "mouse")
    for width, height, scale in ((1366, 650, 1), (1920, 1080, 1.5), (375, 667, 2)):
        someone.page.size(width, height, scale, mobile=scale == 2)
        sides = someone.page.value(
            "[...document.querySelectorAll('#stage img')].map(i => i.getBoundingClientRect().width)"
        )
        (side,) = set(sides)
        assert side * scale % 16 == pytest.approx(0, abs=1e-3)  # CSS px are kept to 1/64
        style = "getComputedStyle(document.querySelector('#stage img')).imageRendering"
        assert someone.page.value(style) == "pixelated"
        wide, high = someone.page.value(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert wide <= width and high <= height
        assert side >= 96
