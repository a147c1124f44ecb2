"""The suites themselves: red on stubs, green on solutions, one broken file at a time, one wrong character at a time."""

import ast
import contextlib
import copy
import shutil
from itertools import chain
from pathlib import Path

import pytest
import torch

from grading.judging.conditions.arguments import SCHEDULES
from grading.submission.implementation import ROOT, Implementation
from grading.submission.katas import FUNCTIONS, MODULE_OF, MODULES, REQUIRED, katas, required, tasks
from grading.submission.signatures import parameters
from grading.submission.stubs import stub
from grading.suites.runner import run_suites

ONE_CHARACTER = {
    "beta_schedule": ("1 - f[1:] / f[:-1]", "1 - f[1:] * f[:-1]"),
    "q_sample": ("(1 - alpha_bar).sqrt()", "(1 + alpha_bar).sqrt()"),
    "loss": ("(noise - model(x_t, t)).sq", "(noise + model(x_t, t)).sq"),
    "ddpm_step": ("schedule.alphas_cumprod[t - 1]", "schedule.alphas_cumprod[t - 0]"),
    "ddim_step": ("if t_prev >= 0", "if t_prev >= 1"),
}

ENDS = (MODULES[0], MODULES[-1])  # what all others could stand on, and what could stand on all others


def copy_of(source: str, folder: Path) -> Path:
    shutil.copytree(ROOT / source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def failed_katas(outcomes) -> set[str]:
    return {outcome.task.partition(".")[0] for outcome in outcomes if outcome.status == "failed"}


def number(module: str) -> str:
    return next(str(kata.number) for kata in katas() if kata.module == module)


def test_every_test_is_green_on_the_solutions():
    outcomes = run_suites("solutions")
    assert {outcome.status for outcome in outcomes} == {"passed"}
    assert {outcome.task for outcome in outcomes} == {task.id for task in tasks()}


def test_every_test_is_red_on_the_stubs_because_nothing_is_written(tmp_path):
    for module in MODULES:
        source = (ROOT / "solutions" / f"{module}.py").read_text()
        (tmp_path / f"{module}.py").write_text(stub(source))
    outcomes = run_suites(tmp_path)
    owed = {task.id for task in required()}
    assert {(o.status, o.kind) for o in outcomes if o.task in owed} == {("failed", "todo")}
    assert {o.status for o in outcomes if o.task not in owed} <= {"skipped"}
    assert {outcome.task for outcome in outcomes} == {task.id for task in tasks()}


@pytest.mark.parametrize("module", REQUIRED)
def test_one_wrong_character_fails_its_own_kata(module, tmp_path):
    folder = copy_of("solutions", tmp_path / "submission")
    right, wrong = ONE_CHARACTER[module]
    source = (folder / f"{module}.py").read_text()
    assert source.count(right) >= 1
    (folder / f"{module}.py").write_text(source.replace(right, wrong, 1))
    assert number(module) in failed_katas(run_suites(folder))


@pytest.mark.parametrize("module", ENDS)
def test_a_syntax_error_fails_its_own_kata_alone(module, tmp_path):
    folder = copy_of("solutions", tmp_path / "submission")
    path = folder / f"{module}.py"
    path.write_text(path.read_text() + "\ndef broken(:\n")
    outcomes = run_suites(folder)
    assert failed_katas(outcomes) == {number(module)}
    message = next(outcome.message for outcome in outcomes if outcome.status == "failed")
    assert f"submission/{module}.py:{len(path.read_text().splitlines())}" in message
    assert "SyntaxError" in message


@pytest.mark.parametrize("module", ENDS)
def test_a_missing_name_fails_its_own_task_alone(module, tmp_path):
    folder = copy_of("solutions", tmp_path / "submission")
    name = FUNCTIONS[module][0]
    path = folder / f"{module}.py"
    path.write_text(path.read_text() + f"\ndel {name}\n")
    outcomes = run_suites(folder)
    failed = {outcome.task for outcome in outcomes if outcome.status == "failed"}
    gone = next(task.id for task in tasks() if task.function == name)
    assert gone in failed
    assert failed_katas(outcomes) == {gone.partition(".")[0]}


def test_stub_and_solution_agree_in_signature_and_docstring():
    for module in MODULES:
        exercise, solution = (
            ast.parse((ROOT / part / f"{module}.py").read_text()) for part in ("exercises", "solutions")
        )
        asked = {node.name: node for node in ast.walk(exercise) if isinstance(node, ast.FunctionDef)}
        given = {node.name: node for node in ast.walk(solution) if isinstance(node, ast.FunctionDef)}
        for name in FUNCTIONS[module]:
            assert ast.dump(asked[name].args) == ast.dump(given[name].args)
            assert ast.get_docstring(asked[name]) == ast.get_docstring(given[name])
            assert tuple(argument.arg for argument in given[name].args.args) == parameters(name)


def test_the_table_covers_the_contract():
    assert [kata.module for kata in katas()] == list(MODULES)
    assert [task.function for task in tasks()] == [name for names in FUNCTIONS.values() for name in names]
    for task in tasks():
        assert len(task.hints) == 3
        assert all(task.hints)
        assert task.points > 0 or task.optional
        assert task.title


class Overwrites:
    """The solutions, and after each call every table and tensor that was given is all sevens."""

    folder = ROOT / "solutions"

    def __init__(self):
        self.right = Implementation(self.folder)

    def __getattr__(self, name):
        if name not in MODULE_OF:
            raise AttributeError(name)

        def call(*args, **kwargs):
            answer = copy.deepcopy(getattr(self.right, name)(*args, **kwargs))
            for value in (*args, *kwargs.values()):
                for tensor in value if hasattr(value, "betas") else [value]:
                    if isinstance(tensor, torch.Tensor) and not tensor.is_meta:
                        with contextlib.suppress(RuntimeError), torch.no_grad():
                            tensor.fill_(7)
            return answer

        return call


@pytest.mark.timeout(120)
def test_what_is_overwritten_is_asked_of_nobody_else():
    before = copy.deepcopy(SCHEDULES)
    outcomes = run_suites("solutions", make=Overwrites)
    takes_tensors = {t.id for t in tasks() if {"betas", "x0", "x_t", "x_T"} & {*parameters(t.function)}}
    assert {o.task for o in outcomes if o.status == "failed"} == takes_tensors
    assert all(map(torch.equal, *(chain(*s.values()) for s in (before, SCHEDULES))))
