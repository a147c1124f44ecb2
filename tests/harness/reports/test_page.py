"""The report page, opened in a real Chromium: it shows what it should, needs nothing from outside, and runs no text."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch
from made_results import ATTACK, EVERY, FULL, HOSTILE, NOTHING

from grading.experiment.stages import Experiment, Part, Setting
from grading.grade.grade import Graded
from grading.reports import write_report

MOST_BYTES = 3_000_000
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CONTRAST = Path(__file__).parents[1].joinpath("contrast.js").read_text(encoding="utf-8")


def graded(result, **parts):
    """A grade with an experiment of a few steps; `parts` replaces what a submission did not get to."""
    draw = torch.Generator().manual_seed(0)
    data = torch.randn(64, 2, generator=draw)
    walk = [(t, torch.randn(64, 2, generator=draw)) for t in (*range(59, -1, -1), -1)]
    part = Part(walk[-1][1], 0.71, None, 1.0, None, walk)
    whole = Experiment(Setting(num_points=64), data, 0.39, [1.0, 0.5, 0.4], 1.0, None, part, part)
    return Graded(result, dataclasses.replace(whole, **parts))


NO_PART = Part(failure="not run")
FAR = Part(torch.full((64, 2), 3e38), None, None, 1.0, "not led there", [(-1, torch.full((64, 2), 3e38))])
PAGES = {
    "full": graded(FULL),
    "attack": graded(ATTACK),
    "huge": graded(EVERY["huge"]),
    "nothing": graded(NOTHING, ddpm=NO_PART, ddim=NO_PART, losses=[], training_failure="no"),
    "far": graded(ATTACK, ddpm=FAR, ddim=NO_PART, losses=[1e30, -1e30, 0.0]),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The path of each page."""
    return {name: write_report(grade, tmp_path_factory.mktemp(name)) for name, grade in PAGES.items()}


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, from the extra `dev`")
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tab(chromium):
    """tab(color_scheme=, reduced_motion=) is a tab of the browser, one for each setting; it notes what goes wrong."""
    tabs = {}

    def noting(**options):
        key = tuple(options.items())
        if key not in tabs:
            page, complaints = chromium.new_page(**options), []
            page.on("console", lambda message: complaints.append(f"console: {message.text}"))
            page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
            page.on("dialog", lambda dialog: (complaints.append("a dialog"), dialog.dismiss()))
            page.on("request", lambda request: complaints.append(request.url))
            tabs[key] = page
            page.complaints = complaints
        return tabs[key]

    return noting


@pytest.fixture
def show(tab, pages):
    """show(name, width=, ...) opens a page in a tab; what it logs or asks of the network is a failure at the end."""
    shown = {}

    def opened(name, width=1280, **options):
        page = tab(**options)
        page.goto("about:blank")
        if page not in shown:
            page.complaints.clear()
        shown[page] = {*shown.get(page, ()), pages[name].as_uri(), "data:,"}
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(pages[name].as_uri())
        return page

    yield opened
    for page, expected in shown.items():
        assert [complaint for complaint in page.complaints if complaint not in expected] == []


def test_every_page_is_one_file_of_a_sensible_size(pages):
    for path in pages.values():
        assert path.name == "report.html"
        assert path.stat().st_size < MOST_BYTES
        assert (path.parent / "result.json").exists()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_asked_of_the_network_and_nothing_is_wider_than_the_screen(show, name, width):
    page = show(name, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.title()


def test_points_distances_bands_and_pictures_are_there(show):
    page = show("full")
    text = page.inner_text("body")
    assert "100 of 100 points" in " ".join(text.split())
    assert "Chamfer 0.71, 1.8 times the floor" in text
    label = page.locator("svg.scale").first.get_attribute("aria-label")
    assert label == (
        "Logarithmic scale. Chamfer distance 0.71; floor 0.39; 10 points below 1.17, 5 points below 3.51."
    )  # fmt: skip
    assert page.locator("svg.scale text.score").first.text_content() == "0.71"
    assert page.locator("svg.cloud").first.get_attribute("aria-label") == (
        "DDPM: 64 samples over the data, 0 of them outside the view"
    )
    assert page.locator("svg.cloud path.dots-0").get_attribute("d").count("h0") == 64
    assert page.locator(".curve polyline").get_attribute("points") == "0,0.0 1,75.6 2,100.0"  # log 2 of log 2.5
    assert page.locator("canvas").count() == 2


def test_text_of_a_hostile_submission_stays_text(show):
    page = show("attack")
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    text = page.inner_text("body")
    for piece in ("</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "&amp;", "]]>"):
        assert piece in text
    assert piece in page.inner_text("h1")
    assert page.locator("img").count() == 0
    assert page.locator("a:not([href^='#'])").count() == 0
    assert page.locator("script").count() == 2  # the player and its numbers
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert HOSTILE[:40] in text


def test_a_script_that_came_in_all_the_same_would_not_run(show):
    page, refused = show("attack"), []
    page.on("requestfailed", lambda request: refused.append((request.url, request.failure)))
    page.evaluate(
        """() => {
          document.body.append(Object.assign(document.createElement("script"), { textContent: "window.ran = 1" }));
          const image = document.createElement("div");
          image.innerHTML = '<img src="data:," onerror="window.ran = 2"><img src="https://evil.example/a.png">';
          document.body.append(image);
        }"""
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.ran") is None
    assert refused == [("https://evil.example/a.png", "csp")]
    assert sum("Content Security Policy" in complaint for complaint in page.complaints) == 3
    page.complaints.clear()


def test_the_slider_moves_the_picture_by_keyboard(show):
    page = show("full")
    picture = "document.querySelector('canvas').toDataURL()"
    slider = page.get_by_role("slider", name="t, from noise to data")
    before, said = page.evaluate(picture), slider.get_attribute("aria-valuetext")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    assert page.evaluate(picture) != before
    assert slider.get_attribute("aria-valuetext") == "t = 59" != said
    page.keyboard.press("End")
    assert page.evaluate(picture) == before


def test_the_button_plays_and_pauses_and_nothing_moves_unasked(show):
    page = show("full", reduced_motion="reduce")
    slider, button = page.get_by_role("slider"), page.locator(".kata-player button")
    last = slider.input_value()
    page.wait_for_timeout(200)
    assert slider.input_value() == last
    button.focus()
    page.keyboard.press("Enter")
    assert button.inner_text() == "Pause"
    assert slider.input_value() == "0"
    page.keyboard.press("Enter")
    assert button.inner_text() == "Play"


def test_everything_can_be_reached_by_keyboard_and_is_seen_to_be(show):
    page = show("attack")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        here = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
                 return [e.tagName, s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2]; }"""
        )
        if here[0] == "BODY":
            break
        reached.append(here)
    names = [name for name, _ in reached]
    assert names[0] == "A"  # to skip to the report
    assert {"A", "SUMMARY", "BUTTON", "INPUT"} <= set(names)
    assert all(seen for _, seen in reached)
    closed = page.locator("details:not([open]) summary")
    count = closed.count()
    closed.first.focus()
    page.keyboard.press("Enter")
    assert closed.count() == count - 1


@pytest.mark.parametrize("name", PAGES)
def test_a_screen_reader_finds_its_way(show, name):
    page = show(name)
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:]))
    checks = {
        "a language": "document.documentElement.lang === 'en'",
        "landmarks": "['header', 'main', 'nav'].every(n => document.querySelectorAll(n).length === 1)",
        "no id twice": "(ids => new Set(ids).size === ids.length)"
        "([...document.querySelectorAll('[id]')].map(e => e.id))",
        "labels that exist": "[...document.querySelectorAll('[aria-labelledby]')]"
        ".every(e => document.getElementById(e.getAttribute('aria-labelledby')))",
        "links that lead somewhere": "[...document.links].every(a => document.querySelector(a.getAttribute('href')))",
        "pictures named": "[...document.querySelectorAll('svg, canvas')]"
        ".every(e => e.getAttribute('role') === 'img' && e.getAttribute('aria-label').length > 20)",
        "controls named": "[...document.querySelectorAll('input')].every(e => e.labels.length === 1)",
        "captions": "[...document.querySelectorAll('table')].every(t => t.caption?.textContent.trim())",
        "scopes": "[...document.querySelectorAll('th')].every(t => t.scope)",
    }
    assert {what: page.evaluate(check) for what, check in checks.items()} == dict.fromkeys(checks, True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(show, scheme):
    """WCAG 2 AA: a contrast of 4.5 at least."""
    for name in ("full", "attack", "nothing"):
        page = show(name, color_scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        found = page.evaluate(CONTRAST)
        assert len(found) > 5
        assert [row for row in found if row[1] < 4.5] == []
