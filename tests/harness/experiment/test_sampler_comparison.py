"""`kata plot` and `kata compare`: the cache, what stops them, and that the paragraph says what the numbers say."""

import csv
import dataclasses
import functools
import io
import shutil

import pytest
import torch
from typer.testing import CliRunner

import grading.cli.draw  # noqa: F401  registers the commands
from grading.cli import app
from grading.experiment.comparison_in_words import in_words
from grading.experiment.data import make_dataset
from grading.experiment.distances.sliced_wasserstein import Floor
from grading.experiment.networks import network_cache
from grading.experiment.networks.training import RECIPES
from grading.experiment.sampler_comparison import Comparison, Row, compare, to_csv
from grading.experiment.stages import Setting
from grading.pictures.comparison import comparison, same_starts, samples_by_steps
from grading.pictures.gallery import PICTURES, Gallery
from grading.submission.errors import UsageError
from grading.submission.implementation import ROOT, Implementation

SMALL = Setting(num_points=64)


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Training in a moment, and networks kept in a folder of the test's own."""
    monkeypatch.setitem(RECIPES, "kata", dataclasses.replace(RECIPES["kata"], steps=50))
    monkeypatch.setattr(network_cache, "KEPT", tmp_path / "networks")
    return tmp_path / "networks"


@pytest.fixture
def folder(tmp_path):
    """A copy of the reference, to be broken."""
    return shutil.copytree(ROOT / "solutions", tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__"))


def found(*runs, noise=0.02):
    """A comparison of runs (eta, steps, Chamfer, sliced W2); where eta is 0 the same start has the same end."""
    x_T = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))

    def ends(eta, steps):
        return x_T + eta * torch.randn(64, 2, generator=torch.Generator().manual_seed(steps))

    rows = [Row(eta, steps, chamfer, w2, steps / 100, ends(eta, steps)) for eta, steps, chamfer, w2 in runs]
    return Comparison(rows, 0.4, Floor(0.08, noise), make_dataset("swiss_roll", 64, 0), x_T)


FEW_AND_MANY = ((0.0, 5, 10.0, 0.2), (1.0, 5, 9.0, 0.4), (0.0, 1000, 0.5, 0.07), (1.0, 1000, 0.4, 0.09))


# -- the paragraph, the table, the picture ----------------------------------------------------------------------------


def test_the_paragraph_follows_the_numbers():
    said = in_words(found(*FEW_AND_MANY))
    assert "With 5 steps DDIM comes nearer to the data (sliced W2 0.20) and DDPM, strided stays farther away" in said
    assert "(0.40): 2.0 times as much." in said
    assert "Chamfer calls the two alike (10 and 9)" in said
    assert "Why: without fresh noise" in said
    assert (
        "With 1000 steps DDIM and DDPM, strided are not told apart, and both are at the floor, 0.08 (sliced W2 0.07 to"
        in said
    )
    assert "1000 steps took 200 times the time of 5: 10 s against 0.05 s" in said


def test_the_paragraph_turns_round_with_the_numbers():
    turned = [(1.0 - eta, *rest) for eta, *rest in FEW_AND_MANY]
    said = in_words(found(*turned))
    assert "With 5 steps DDPM, strided comes nearer" in said
    assert "DDIM stays farther away (0.40)" in said
    assert "Why" not in said


@pytest.mark.parametrize(("chamfer", "said"), [(3.0, "agrees"), (0.3, "other way round"), (1.1, "calls the two alike")])
def test_what_the_chamfer_distance_makes_of_it_is_worked_out_too(chamfer, said):
    assert f"Chamfer {said}" in in_words(found((0.0, 5, 1.0, 0.2), (1.0, 5, chamfer, 0.4))).replace("has them the ", "")


def test_what_differs_by_less_than_the_noise_is_no_order():
    said = in_words(found((0.0, 5, 10.0, 0.2), (1.0, 5, 50.0, 0.25)))
    assert "With 5 steps DDIM and DDPM, strided are not told apart, and both are not at the floor" in said
    assert "nearer" not in said
    assert "nearer" in in_words(found((0.0, 5, 10.0, 0.2), (1.0, 5, 50.0, 0.25), noise=0.01))


def test_how_far_the_ends_of_the_same_starts_are_apart():
    made = found(*FEW_AND_MANY)
    assert made.moved(0.0, 5, 1000) == 0
    assert made.moved(1.0, 5, 1000) > 1
    assert "ends with 20" not in in_words(made)
    assert "the same x_T ends with 20 and with 1000 steps, in the middle: DDIM 0.00;" in in_words(
        found(*FEW_AND_MANY, (0.0, 20, 1.0, 0.1), (1.0, 20, 1.0, 0.1))
    )


def test_csv_has_a_line_for_every_run():
    lines = list(csv.DictReader(io.StringIO(to_csv(found((0.0, 5, 10.0, 0.2), (0.5, 5, 50.0, 0.4))))))
    read = [
        (line["sampler"], *(float(line[k]) for k in ("eta", "steps", "chamfer", "sliced_wasserstein")))
        for line in lines
    ]
    assert read == [("DDIM", 0.0, 5, 10.0, 0.2), ("eta = 0.5", 0.5, 5, 50.0, 0.4)]


def test_the_picture_has_every_run_and_both_floors():
    density, nearest, time = comparison(found(*FEW_AND_MANY)).axes
    assert [list(line.get_ydata()) for line in density.lines[:2]] == [[0.2, 0.07], [0.4, 0.09]]
    assert [list(line.get_ydata()) for line in nearest.lines[:2]] == [[10.0, 0.5], [9.0, 0.4]]
    assert list(density.lines[2].get_ydata()) == [0.08, 0.08]
    assert list(nearest.lines[2].get_ydata()) == [0.4, 0.4]
    assert {axes.get_xscale() + axes.get_yscale() for axes in (density, nearest, time)} == {"loglog"}


def test_samples_and_starts_are_pictures_too():
    made = found(*FEW_AND_MANY)
    titles = [axes.get_title() for axes in samples_by_steps(made).axes]
    assert [title.split("\n")[0] for title in titles] == ["5 steps", "1000 steps"] * 2
    panels = same_starts(made).axes[:5]
    assert [panel.get_title().replace("\n", " ") for panel in panels[1:]] == [
        *("DDIM 5 steps", "DDIM 1000 steps", "DDPM, strided 5 steps", "DDPM, strided 1000 steps")
    ]
    colours = [panel.collections[0].get_array() for panel in panels]
    assert all((colour == colours[0]).all() for colour in colours)


def test_every_run_starts_from_the_same_noise_with_its_own_steps_and_eta():
    calls = []

    class Spy:
        def ddim_sample(self, model, x_T, schedule, steps, eta, generator):
            calls.append((x_T.clone(), steps, eta, torch.rand(1, generator=generator).item()))
            return x_T.zero_()

    made = compare(Spy(), lambda x, t: x, SMALL, steps=(5, 10), etas=(0.0, 1.0))
    assert [(steps, eta) for _, steps, eta, _ in calls] == [(5, 0.0), (10, 0.0), (5, 1.0), (10, 1.0)]
    assert all(torch.equal(x_T, calls[0][0]) for x_T, *_ in calls)
    assert calls[0][0].abs().max() > 0.5
    assert len({number for *_, number in calls}) == 1
    assert len({row.chamfer for row in made.rows}) == 1


# -- the network that is kept -----------------------------------------------------------------------------------------


def test_the_same_content_is_trained_once(tiny, folder):
    told = []
    once, again = (
        network_cache.trained_network(Implementation(folder), folder, SMALL, lambda *what: told.append(what))
        for _ in range(2)
    )
    assert told == [("train", 50, 50)]
    assert once.losses == again.losses
    x, t = torch.randn(8, 2), torch.arange(8) * 100
    assert torch.equal(once.network(x, t), again.network(x, t))
    assert not again.network.training


def test_every_part_of_the_content_counts(tiny, folder):
    keys = [network_cache.key(folder, s) for s in (SMALL, Setting(seed=1), Setting("moons"), Setting(recipe="course"))]
    for module in ("beta_schedule", "q_sample", "loss", "ddpm_step", "ddim_step"):
        file = folder / f"{module}.py"
        file.write_text(file.read_text() + "\n# changed\n")
        keys.append(network_cache.key(folder, SMALL))
    (folder / "loss.py").unlink()
    keys.append(network_cache.key(folder, SMALL))
    assert len(set(keys)) == 10
    assert network_cache.key(folder, SMALL) == network_cache.key(folder, Setting(num_points=128))


@pytest.mark.parametrize("content", [b"", b"not a network", b"PK\x03\x04 cut off"])
def test_what_cannot_be_read_is_trained_anew(tiny, folder, content):
    file = tiny / f"{network_cache.key(folder, SMALL)}.pt"
    tiny.mkdir()
    file.write_bytes(content)
    assert len(network_cache.trained_network(Implementation(folder), folder, SMALL).losses) == 50
    assert network_cache.read(file, SMALL) is not None


def test_code_in_a_kept_file_is_never_run(tiny, tmp_path):
    class Trap:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'sprung')!r}, 'w')",))

    torch.save({"network": Trap(), "losses": [], "seconds": 0.0}, tmp_path / "trap.pt")
    assert network_cache.read(tmp_path / "trap.pt", SMALL) is None
    assert not (tmp_path / "sprung").exists()


def test_the_oldest_networks_go(tiny, folder, monkeypatch):
    monkeypatch.setattr(network_cache, "MOST_KEPT", 2)
    for seed in range(3):
        network_cache.trained_network(Implementation(folder), folder, Setting(seed=seed))
    assert len(list(tiny.iterdir())) == 2


# -- the commands -----------------------------------------------------------------------------------------------------


def kata(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_plot_draws_everything(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("grading.experiment.stages.Setting", functools.partial(Setting, num_points=64))
    monkeypatch.setattr("grading.pictures.gallery.WALKING", 16)
    monkeypatch.setattr("grading.pictures.gallery.EXACT", 16)
    answer = kata("plot", "--impl", "solutions", "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.output
    names = {f"{name}.png" for name in PICTURES if name != "reverse"} | {"reverse.gif", "reverse.html"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    assert answer.output.count("train with your loss: 50 of 50") == 1


def test_stubs_are_named_with_their_file(tiny, tmp_path):
    answer = kata("plot", "--out", tmp_path / "out", "--impl", "exercises")
    assert answer.exit_code == 1
    said = " ".join(answer.output.split())
    assert "it needs 2.1 q_sample, which is not written yet; open exercises/q_sample.py" in said
    assert "it needs 3.1 ddpm_loss, which is not written yet; open exercises/loss.py" in said
    assert "Traceback" not in said


def test_the_stub_that_is_in_the_way_is_named_not_its_caller(tiny, folder):
    shutil.copy(ROOT / "exercises" / "q_sample.py", folder)
    drawing = Gallery(folder, SMALL)
    with pytest.raises(drawing.troubles) as raised:
        drawing.experiment  # noqa: B018
    assert drawing.explain(raised.value) == "it needs 2.1 q_sample, which is not written yet; open mine/q_sample.py"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("return 1 / 0", "5.3 ddim_sample: ZeroDivisionError: division by zero (mine/ddim_step.py:1  return 1 / 0)"),
        ("return x_T[:3]", "ddim_sample must return shape (64, 2); it returned (3, 2)"),
        ("return x_T * float('nan')", "ddim_sample must return finite points; 128 of 128 entries are not"),
    ],
)
def test_wrong_code_is_a_sentence(tiny, folder, body, sentence):
    (folder / "ddim_step.py").write_text(f"def ddim_sample(model, x_T, *args, **kwargs): {body}\n")
    drawing = Gallery(folder, SMALL)
    with pytest.raises(drawing.troubles) as raised:
        drawing.compare((5,))
    assert sentence.partition(" (mine")[0] in drawing.explain(raised.value)


def test_compare_prints_and_writes(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Gallery, "compare", lambda self: found(*FEW_AND_MANY))
    answer = kata("compare", "--impl", "solutions", "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.output
    assert "2.0 times as much" in " ".join(answer.output.split())
    assert max(map(len, answer.output.splitlines()[:5])) <= 80
    names = {"compare.csv", "compare.png", "compare_samples.png", "compare_starts.png"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names


@pytest.mark.parametrize("arguments", [("plot", "nothing"), ("plot", "--device", "tpu"), ("compare", "--dataset", "x")])
def test_a_wrong_argument_is_one_sentence(arguments):
    answer = kata(*arguments)
    assert isinstance(answer.exception, UsageError)
    assert str(arguments[-1]) in str(answer.exception)
