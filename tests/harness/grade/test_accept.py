"""What an instructor may take as right is named by every test that it fails, so that the whole task can be accepted."""

import pytest
from class_of_twenty import changed, put

from grading.grade.rubric import load_rubric
from grading.suites.runner import TESTS, run_suites

POSTERIOR = "variance = (1 - alpha_bar_prev) / (1 - alpha_bar) * beta"
SUM = ".square().flatten(min(x0.ndim - 1, 1)).sum(-1).mean()"
LEGAL = {
    "ddpm_step": ("sigma^2 = beta", "test_4_ddpm_step.py", ("ddpm_step.py", POSTERIOR, "variance = beta")),
    "ddpm_loss": ("sum over dims", "test_3_loss.py", ("loss.py", ".square().mean()", SUM)),
}


@pytest.mark.timeout(200)
@pytest.mark.parametrize("function", LEGAL)
def test_a_legal_variant_can_be_accepted_whole(function, tmp_path):
    name, suite, change = LEGAL[function]
    put(tmp_path / "submission", changed(*change))
    (tmp_path / "r.toml").write_text(f'[accept]\n{function} = ["{name}"]\n')
    rubric = load_rubric(tmp_path / "r.toml")
    failed = [o for o in run_suites(tmp_path / "submission", files=[TESTS / suite]) if o.status == "failed"]
    assert failed
    assert [(o.task, o.test, o.misconception) for o in failed if not rubric.accepts(o.misconception)] == []
