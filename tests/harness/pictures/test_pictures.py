"""Pictures: drawn from whatever a run left, without a display, on common axes; the player moves in a real Chromium."""

import base64
import json
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
import torch
from PIL import Image

from grading.experiment.data import make_dataset
from grading.experiment.stages import Experiment, Part, Setting
from grading.pictures import gallery, loss_curve, samples_over_data, write_pictures
from grading.pictures.forward import forward_process, schedules
from grading.pictures.gallery import Gallery
from grading.pictures.player import SCALE, frames, page_html, player_html, player_of, times_of
from grading.pictures.reverse import clouds, paths, save_gif
from grading.submission.contract import linear_schedule
from grading.submission.katas import katas

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DATA = make_dataset("swiss_roll", 200, seed=0)


def walk(times, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return [(t, torch.randn(30, 2, generator=draw)) for t in (*times, -1)]


WALKS = {"DDPM": walk(range(99, -1, -1)), "DDIM": walk(range(90, -1, -10), seed=1)}


def experiment(ddpm=None, ddim=None, losses=(0.5, 0.4, 0.3)):
    good = Part(samples=DATA + 0.01, chamfer=1.234, path=WALKS["DDPM"])
    return Experiment(Setting(), DATA, 0.391, list(losses), 1.0, None, ddpm or good, ddim or good)


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def test_samples_stand_beside_the_data_on_the_same_square():
    figure = samples_over_data(experiment())
    assert len(figure.axes) == 3
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in figure.axes}) == 1
    assert all(axes.get_aspect() == 1 for axes in figure.axes)
    for title, name in zip(titles(figure)[1:], ("DDPM, 1000 steps", "DDIM, 50 steps")):
        assert title == f"{name}\nChamfer 1.23, floor 0.39"


def test_points_outside_the_view_are_counted():
    far = DATA.clone()
    far[:7] = 1e30
    figure = samples_over_data(experiment(ddim=Part(samples=far, chamfer=1e62)))
    assert figure.axes[2].get_xlabel() == "7 points outside the view"
    assert figure.axes[1].get_xlabel() == ""


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "made",
    [
        experiment(),
        experiment(ddpm=Part(failure="$x^{ \x1b[31m <b>"), ddim=Part(failure="not run"), losses=()),
        experiment(ddpm=Part(samples=torch.full((200, 2), 3e38), chamfer=1e80), losses=(-1.0, 2.0)),
        experiment(ddim=Part(samples=DATA, chamfer=2.0, unlawful="not where the model led"), losses=(1e-30, 1e30)),
    ],
    ids=["good", "nothing", "huge", "unlawful"],
)
def test_a_grade_gets_both_pictures_whatever_went_wrong(made, tmp_path):
    paths_ = write_pictures(made, tmp_path / "new")
    assert [path.name for path in paths_] == ["samples.png", "loss.png"]
    for path in paths_:
        with Image.open(path) as image:
            assert image.width == 1400
            assert len(np.unique(np.asarray(image.convert("L")))) > 5


def test_the_mean_of_the_loss_is_drawn_over_every_step():
    figure = loss_curve([2.0, 4.0] * 100)
    every, mean = figure.axes[0].lines
    assert every.get_ydata().tolist() == [2.0, 4.0] * 100
    assert set(mean.get_ydata()) == {3.0}
    assert mean.get_xdata()[:2].tolist() == [1.5, 3.5]


def test_the_forward_process_keeps_the_order_of_points():
    states = [(-1, DATA), (10, DATA * 0.9), (999, torch.randn(200, 2, generator=torch.Generator().manual_seed(0)))]
    figure = forward_process(states, linear_schedule(1000).alphas_cumprod)
    assert [title.split("\n")[0] for title in titles(figure)][:3] == ["data", "t = 10", "t = 999"]
    assert titles(figure)[0].endswith(f"std {DATA.std(correction=0):.2f}")
    for axes in figure.axes[:3]:
        assert np.allclose(axes.collections[0].get_array(), DATA[:, 1].numpy())
    assert figure.axes[3].get_ylabel() == "$x_2$ of the data point"


def test_schedules_are_told_apart_without_colour():
    tables = {name: linear_schedule(100)[::2] for name in ("linear", "quadratic", "cosine")}
    figure = schedules(tables)
    for axes in figure.axes:
        drawn = axes.lines[:3]
        assert len({str(line.get_linestyle()) + str(line._dash_pattern) for line in drawn}) == 3
        assert axes.get_xlabel() == "timestep t"
        assert axes.get_ylabel()
    log_snr = figure.axes[2].lines[0].get_ydata()
    alpha_bar = tables["linear"][1].numpy()
    assert np.allclose(10**log_snr, alpha_bar / (1 - alpha_bar))


@pytest.mark.parametrize("kata", [kata for kata in katas() if kata.picture], ids=lambda kata: kata.picture)
def test_every_kata_has_its_picture_without_training(kata, monkeypatch, tmp_path):
    monkeypatch.setattr(gallery, "WALKING", 16)
    monkeypatch.setattr(gallery, "EXACT", 16)
    monkeypatch.setattr(gallery, "trained_network", None)
    [path] = Gallery("solutions", Setting(num_points=64)).draw(kata.picture, tmp_path)
    with Image.open(path) as image:
        assert image.width == 1400
        assert len(np.unique(np.asarray(image.convert("L")))) > 50
    assert kata.look.endswith("?")


def test_what_the_loss_measures_is_the_students_own_loss():
    """A model that answers 0 has the mean square of the noise as its loss; half of a right loss is drawn as half."""
    drawing = Gallery("solutions", Setting())
    right = drawing.impl.ddpm_loss
    means = []
    for factor in (1.0, 0.5):
        drawing.impl = SimpleNamespace(ddpm_loss=lambda *what, factor=factor: factor * right(*what))
        curves = drawing.guesses_figure().axes[1].lines
        means.append([float(np.mean(line.get_ydata())) for line in curves])
    (zero, _, best), halves = means
    assert zero == pytest.approx(1, abs=0.15)
    assert 0 < best < zero / 2
    assert halves == pytest.approx([mean / 2 for mean in means[0]])


def test_clouds_have_the_colour_of_their_end():
    figure = clouds(WALKS, DATA)
    for row, walk_ in enumerate(WALKS.values()):
        for panel in figure.axes[6 * row : 6 * row + 6]:
            assert np.allclose(panel.collections[-1].get_array(), walk_[-1][1][:, 1].numpy())


def test_paths_start_at_the_same_points():
    same = {"DDPM": WALKS["DDPM"], "DDIM": [(90, WALKS["DDPM"][0][1]), *WALKS["DDIM"][1:]]}
    starts = [[line.get_xydata()[0] for line in axes.lines[::3]] for axes in paths(same, DATA).axes]
    assert np.allclose(*starts)


def test_the_gif_shows_every_frame_and_rests_on_the_last(tmp_path):
    path = save_gif(WALKS, DATA, tmp_path / "reverse.gif")
    with Image.open(path) as image:
        assert image.n_frames == 11
        assert image.info["loop"] == 0
        durations = []
        for i in range(image.n_frames):
            image.seek(i)
            durations.append(image.info["duration"])
    assert durations[-1] > 10 * durations[0] > 0


def test_drawing_needs_no_pyplot_and_leaves_settings_alone():
    before = dict(mpl.rcParams)
    samples_over_data(experiment())
    assert dict(mpl.rcParams) == before
    code = "import sys, grading.pictures.gallery; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# -- the player -------------------------------------------------------------------------------------------------------


def test_frames_of_two_walks_show_the_same_t():
    times = times_of(list(WALKS.values()))
    assert times == [90, 80, 70, 60, 50, 40, 30, 20, 10, 0, -1]
    for walk_ in WALKS.values():
        assert [torch.equal(x, dict(walk_)[t]) for x, t in zip(frames(walk_, times), times)] == [True] * 11


def test_the_players_numbers_are_the_walks_points():
    text = player_html({"DDIM": WALKS["DDIM"]}, DATA)
    film = json.loads(re.search(r'<script type="application/json">(.*?)</script>', text)[1])
    packed = np.frombuffer(base64.b64decode(film["tracks"][0][0]), "<i2").reshape(-1, 2)
    half = float(DATA.abs().max()) * 1.12
    assert np.abs(packed * half / SCALE - WALKS["DDIM"][0][1].numpy()).max() <= half / SCALE


def test_titles_stay_text_and_ids_stay_apart():
    text = player_html({"</figcaption><script>alert(1)</script>": WALKS["DDIM"]}, DATA, '"><script>alert(2)</script>')
    assert "<script>alert" not in text
    ids = [re.search(r'<input id="([^"]+)"', player_html(WALKS, DATA))[1] for _ in range(2)]
    assert ids[0] != ids[1]


def test_no_walk_no_player():
    assert player_html({}, DATA) == ""
    assert player_of(experiment(Part(failure="no"), Part(samples=DATA, chamfer=1.0, path=[(-1, DATA)]))) == ""


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, from the extra `dev`")
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    file = tmp_path_factory.mktemp("player") / "page.html"
    file.write_text(page_html("<i>Back</i>", player_html(WALKS, DATA), player_html(WALKS, DATA)), encoding="utf-8")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(file.as_uri())
        yield page
        browser.close()


def pixels(page):
    return page.eval_on_selector_all("canvas", "all => all.map(canvas => canvas.toDataURL())")


def test_arrow_keys_move_one_player_and_leave_the_other(tab):
    assert tab.title() == "<i>Back</i>"
    before = pixels(tab)
    tab.get_by_role("slider").first.focus()
    tab.keyboard.press("ArrowLeft")
    after = pixels(tab)
    assert [old != new for old, new in zip(before, after)] == [True, True, False, False]
    assert tab.locator("output").first.inner_text() == "t = 0"
    assert tab.get_by_role("slider").first.get_attribute("aria-valuetext") == "t = 0"
    assert tab.get_by_label("timestep t, from noise to data").count() == 2


def test_play_runs_to_the_end_and_pause_stops(tab):
    button, output = tab.get_by_role("button").last, tab.locator("output").last
    button.press("Enter")
    assert button.inner_text() == "Pause"
    tab.wait_for_function("document.querySelectorAll('button')[1].textContent === 'Play'")
    assert output.inner_text() == "x\u2080, done"
    button.click()
    button.click()
    stopped = output.inner_text()
    tab.wait_for_timeout(250)
    assert output.inner_text() == stopped != "x\u2080, done"


def test_the_colours_follow_a_change_to_dark(tab):
    before = pixels(tab)
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_timeout(50)
    assert pixels(tab)[0] != before[0]


def test_no_complaints_and_nothing_wider_than_a_phone(tab):
    assert tab.complaints == []
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
