"""What is wrong with a function: measured, and not looked up.

A step is linear in its arguments, so its factors can be measured at any place and compared with those due; a search
among small changes of the formula then says what was written instead. Nothing here is run before a test has failed.
"""

from typing import Any
from weakref import WeakKeyDictionary

from grading.judging.diagnosis.finding import Finding
from grading.judging.diagnosis.loops import loop_finding
from grading.judging.diagnosis.loss import loss_finding
from grading.judging.diagnosis.schedules import list_finding, schedule_finding, tables_finding
from grading.judging.diagnosis.steps import step_finding

MEASURED = {
    **dict.fromkeys(("linear_beta_schedule", "quadratic_beta_schedule", "cosine_beta_schedule"), schedule_finding),
    **dict.fromkeys(("q_sample", "ddpm_step", "ddim_step"), step_finding),
    **dict.fromkeys(("ddpm_sample", "ddim_sample"), loop_finding),
    "make_schedule": tables_finding,
    "ddim_timesteps": list_finding,
    "ddpm_loss": loss_finding,
}
_found: WeakKeyDictionary[Any, dict[str, Finding | None]] = WeakKeyDictionary()


def diagnose(implementation: Any, function: str) -> Finding | None:
    """What is wrong with an implementation's function; worked out once, however many tests fail."""
    known = _found.setdefault(implementation, {})
    if function not in known and function in MEASURED:
        known[function] = None  # for a crash half way: it is not tried again
        try:
            known[function] = MEASURED[function](implementation, function)
        except Exception:  # a missing name is a small loss; a crash here would hide the failure itself
            return None
    return known.get(function)
