"""What a GPU would do, on a machine without one: what fails there fails in its own kata, what waits is a remark.

Both with the line that does it.
"""

import random
import shutil
import warnings

import numpy
import pytest
import summary
import torch

from grading.isolation import IsolatedImplementation
from grading.submission.device_check import Watch
from grading.submission.implementation import ROOT
from grading.suites.runner import run_suites

from gpu_fails import FAILS
from gpu_waits import WAITS


def outcomes_of(source, module, task, folder, make=None):
    """The outcomes of its own task, and where the line marked `# here` is."""
    shutil.copytree(ROOT / "solutions", folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / f"{module}.py"
    path.write_text(path.read_text() + source)
    line = next(i for i, text in enumerate(path.read_text().splitlines(), 1) if text.endswith("# here"))
    outcomes = run_suites(folder, "--task", task, make=make and (lambda: make(folder)))
    return outcomes, f"{folder.name}/{module}.py:{line} "


@pytest.fixture(scope="module")
def found():
    titles: dict[str, list[str]] = {"fail": [], "wait": []}
    yield titles
    counts = f"fail {len(titles['fail'])}/{len(FAILS)}, wait {len(titles['wait'])}/{len(WAITS)}"
    summary.lines.append(f"what a GPU would do, found without one, with the line: {counts}")


def isolated(folder):
    return IsolatedImplementation(folder, sandbox="none")


@pytest.mark.parametrize("title", FAILS)
def test_what_fails_on_a_gpu_fails_here_and_its_line_is_named(title, tmp_path, found):
    module, task, source = FAILS[title]
    outcomes, where = outcomes_of(source, module, task, tmp_path / "submission")
    failed = [o for o in outcomes if o.status == "failed"]
    assert failed
    for outcome in failed:  # but for the loss of a gradient, which .numpy() asks for, all is well on the CPU
        assert "would fail on a GPU" in outcome.message or "numpy" in title
    assert any(where in o.message for o in failed if "would fail on a GPU" in o.message)
    found["fail"].append(title)


@pytest.mark.parametrize("title", WAITS)
def test_what_waits_on_a_gpu_is_a_remark_and_its_line_is_named(title, tmp_path, found):
    module, task, source = WAITS[title]
    outcomes, where = outcomes_of(source, module, task, tmp_path / "submission")
    assert [o.message for o in outcomes if o.status != "passed"] == []
    remarks = [remark for o in outcomes for remark in o.remarks]
    assert any(where in remark and "would make a GPU wait" in remark for remark in remarks), remarks
    found["wait"].append(title)


@pytest.mark.parametrize("title", [t for t in FAILS if "moved" in t or "summed up" in t])
def test_and_in_a_process_of_its_own(title, tmp_path):
    module, task, source = FAILS[title]
    outcomes, where = outcomes_of(source, module, task, tmp_path / "submission", isolated)
    assert any("would fail on a GPU" in o.message and where in o.message for o in outcomes)


@pytest.mark.parametrize("title", [t for t in WAITS if "print" in t or "masks" in t])
def test_remarks_cross_the_pipe(title, tmp_path):
    module, task, source = WAITS[title]
    outcomes, where = outcomes_of(source, module, task, tmp_path / "submission", isolated)
    assert {o.status for o in outcomes} == {"passed"}
    assert any(where in remark for o in outcomes for remark in o.remarks)


def test_the_solutions_make_no_gpu_wait():
    assert {remark for o in run_suites("solutions") for remark in o.remarks} == set()


LEFT = {
    "torch.set_grad_enabled(False)": "leaves gradients switched off for everybody",
    "torch.set_default_dtype(torch.float64)": "leaves float64 as the default dtype for everybody",
    "torch.manual_seed(90210)": "sets torch's seed for everybody",
    "import random; random.seed(90210)": "sets Python's seed for everybody",
    "import numpy; numpy.random.seed(90210); numpy.random.rand()": "sets numpy's seed for everybody",
}


@pytest.mark.parametrize("make", [None, isolated], ids=["in process", "isolated"])
@pytest.mark.parametrize("statement", LEFT)
def test_what_a_call_leaves_changed_for_everybody_is_put_back_and_said(statement, make, tmp_path):
    source = "\ndef q_sample(x0, t, schedule, noise, plain=q_sample):  # here\n    import torch\n    " + statement
    source += "\n    return plain(x0, t, schedule, noise)\n"
    before = state()
    outcomes, _ = outcomes_of(source, "q_sample", "2.1", tmp_path / "submission", make)
    assert any(LEFT[statement] in outcome.message for outcome in outcomes)
    assert state() == before


def state():
    numbers = random.getstate(), numpy.random.get_state()[1].tolist()
    return torch.is_grad_enabled(), torch.get_default_dtype(), torch.initial_seed(), *numbers


def test_threads_and_warnings_are_put_back_and_cost_nothing(tmp_path):
    source = """
def q_sample(x0, t, schedule, noise, plain=q_sample):  # here
    import torch, warnings
    torch.set_num_threads(2)
    warnings.simplefilter("ignore")
    torch.use_deterministic_algorithms(True)
    return plain(x0, t, schedule, noise)
"""
    threads, filters = torch.get_num_threads(), warnings.filters[:]
    outcomes, _ = outcomes_of(source, "q_sample", "2.1", tmp_path / "submission")
    assert {o.status for o in outcomes} == {"passed"}
    remarks = " ".join(remark for o in outcomes for remark in o.remarks)
    assert "leaves torch with 2 threads" in remarks
    assert "leaves the warnings filters changed" in remarks
    assert "leaves torch's deterministic algorithms switched on" in remarks
    assert not torch.are_deterministic_algorithms_enabled()
    assert (torch.get_num_threads(), warnings.filters) == (threads, filters)


def test_a_generator_can_be_made_where_the_tensors_pretend_to_be():
    def noisy(x):
        generator = torch.Generator(device=x.device).manual_seed(3).clone_state()
        assert isinstance(generator, torch.Generator)
        return x + torch.randn(x.shape, generator=generator, device=x.device)

    own = torch.Generator
    there = Watch("noisy", ROOT).call(noisy, (torch.zeros(3),), {})
    assert torch.Generator is own
    assert torch.equal(there, torch.randn(3, generator=torch.Generator().manual_seed(3)))
