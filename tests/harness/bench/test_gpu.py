"""The parts of the GPU's benchmark, each tried on the CPU; and what is said where there is no GPU, or a part fails."""

import json
import warnings
from dataclasses import replace

import pytest
import torch

from grading.bench import gpu
from grading.bench.__main__ import main
from grading.bench.gpu import Finding, Sizes
from grading.experiment.networks import training
from grading.suites.runner import unit_suites

SMALL = Sizes(
    particles=64,
    cloud=300,
    training_steps=20,
    training_points=256,
    suites=unit_suites()[2:3],
    setting={"num_points": 64, "num_inference_steps": 10},
)


@pytest.fixture
def tiny(monkeypatch):
    """A recipe of a moment, and a grade of one suite."""
    recipe = replace(training.RECIPES["kata"], steps=20, batch=32, width=16, depth=2)
    monkeypatch.setitem(training.RECIPES, "kata", recipe)
    monkeypatch.setattr("grading.grade.grade.unit_suites", lambda: SMALL.suites)


@pytest.fixture
def pretended(monkeypatch):
    """A GPU by name only."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "Pretended 100")


@pytest.mark.timeout(300)  # a whole grade starts processes that import torch
@pytest.mark.parametrize("part", gpu.PARTS, ids=lambda part: part.__name__)
def test_a_part_finds_what_it_is_for(part, tiny):
    for finding in part("cpu", SMALL):
        assert finding.found
        assert finding.reached is not False
        json.dumps(finding.numbers, allow_nan=False)


def test_tests_that_fail_are_counted(monkeypatch):
    outcomes = [type("Outcome", (), {"status": status}) for status in ("passed", "failed", "passed")]
    monkeypatch.setattr(gpu, "run_suites", lambda *_, **__: outcomes)
    (finding,) = gpu.suites("cpu", SMALL)
    assert finding.found.startswith("2 of 3")
    assert finding.reached is False


def test_only_what_torch_calls_a_wait_is_counted():
    def work():
        warnings.warn("called a synchronizing CUDA operation (Triggered internally)", stacklevel=1)
        warnings.warn("called a synchronizing CUDA operation (Triggered internally)", stacklevel=1)
        warnings.warn("something else", stacklevel=1)

    assert gpu.waits("cpu", work) == 2


def test_values_that_differ_are_seen(monkeypatch):
    """The second call of every function stands for the GPU's."""

    class Drifting:
        def __init__(self, folder):
            self.calls = 0

        def __getattr__(self, name):
            def call(*_):
                self.calls += 1
                return torch.full((2, 2), 1.0 + (self.calls % 2) * 1e-6, dtype=torch.float64)

            return call

    monkeypatch.setattr(gpu, "Implementation", Drifting)
    (finding,) = gpu.agreement("cpu", SMALL)
    assert finding.reached is False
    assert max(finding.numbers.values()) == pytest.approx(1e-6)


def test_without_a_gpu_it_says_so_and_exits_with_2(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["gpu", "--out", str(tmp_path / "gpu.json")]) == 2
    told = capsys.readouterr()
    assert told.err == "python -m grading.bench gpu: torch finds no CUDA device here\n"
    assert not told.out
    assert not list(tmp_path.iterdir())


def test_a_part_that_fails_says_why_and_the_rest_go_on(monkeypatch, pretended, capsys, tmp_path):
    def broken(device, sizes):
        raise RuntimeError("out of memory")

    def sound(device, sizes):
        return [Finding("speed", "3 s", "4 s", True, {"seconds": 3.0})]

    monkeypatch.setattr(gpu, "PARTS", (broken, sound))
    assert main(["gpu", "--out", str(tmp_path / "gpu.json")]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "| Pretended 100 | | wanted |"
    assert shown[2:] == ["| broken | RuntimeError: out of memory |  |", "| speed | 3 s | 4 s |"]
    written = json.loads((tmp_path / "gpu.json").read_text())
    assert written["device"] == "Pretended 100"
    assert [finding["reached"] for finding in written["found"]] == [False, True]
