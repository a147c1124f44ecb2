"""The limit for one call: what it ends, what it leaves alone, and what a student reads."""

import ast
import contextlib
import inspect
import threading
import time
import traceback

import pytest

from grading.submission.call_limit import LIMIT, TICK, CallLimit, Overdue
from grading.submission.errors import SubmissionError, submission_error
from grading.submission.implementation import Implementation
from grading.submission.katas import tasks
from grading.submission.stubs import write_stubs

STUBBORN = """
    while True:
        try:
            while True:
                pass
        except Exception:
            pass
"""
LOOPS = {
    "busy": "\n    while True:\n        pass\n",
    "in torch": "\n    import torch\n    x = torch.zeros(3)\n    while True:\n        x = x + 1\n",
    "asleep": "\n    import time\n    time.sleep(10**6)\n",
    "catches": STUBBORN,
    "recursive": "\n    def again():\n        return again()\n    while True:\n        try:\n            again()\n"
    "        except RecursionError:\n            pass\n",
}


def spin() -> None:
    while True:
        pass


def looping(folder, task, body):
    """Stubs of which one never ends."""
    write_stubs(folder)
    path = folder / f"{task.module}.py"
    text = path.read_text(encoding="utf-8")
    found = next(n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == task.function)
    lines = text.splitlines()
    lines.insert(found.body[0].end_lineno, body.strip("\n"))  # below the docstring, above what is given
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("body", LOOPS.values(), ids=LOOPS)
def test_a_call_that_never_ends_is_ended_and_the_line_is_named(body, tmp_path):
    task = tasks()[1]
    made = Implementation(looping(tmp_path / "mine", task, body), seconds=0.3)
    with pytest.raises(SubmissionError) as caught:
        getattr(made, task.function)(3)
    assert caught.value.kind == "timeout"
    assert caught.value.frames[0].file == f"mine/{task.module}.py"
    with pytest.raises(SubmissionError, match="not asked again"):
        getattr(made, task.function)(3)


@pytest.mark.parametrize("task", tasks(), ids=lambda task: task.function)
def test_every_function_of_the_kata_has_the_limit(task, tmp_path):
    made = Implementation(looping(tmp_path / "mine", task, LOOPS["busy"]), seconds=0.2)
    with pytest.raises(SubmissionError) as caught:
        getattr(made, task.function)(*required(made, task))
    assert caught.value.kind == "timeout"


def required(made, task):
    parameters = inspect.signature(made._loader.function(task.module, task.function)).parameters.values()
    return [None for parameter in parameters if parameter.default is parameter.empty]


def test_a_loop_in_the_file_itself_is_ended_too(tmp_path):
    folder = looping(tmp_path / "mine", tasks()[0], "\n    return 0\n")
    (folder / "q_sample.py").write_text("while True:\n    pass\n")
    with pytest.raises(SubmissionError, match=r"q_sample.py cannot be imported: no answer in time"):
        Implementation(folder, seconds=0.3).q_sample(None, None, None, None)


def test_the_limit_holds_in_any_thread():
    seen = []

    def call() -> None:
        try:
            with LIMIT.limited(0.2):
                spin()
        except Overdue as error:
            seen.append(traceback.extract_tb(error.__traceback__)[-1].name)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert seen == ["spin"]


@contextlib.contextmanager
def bounds(seconds):
    with LIMIT.limited(seconds):
        yield


def test_the_limit_holds_within_another_context_manager():
    with pytest.raises(Overdue), bounds(0.2):
        spin()


def work(until) -> None:
    """As long as a clock says. A function of its own: from a loop within the `with` Python 3.13 jumps out unguarded."""
    while time.process_time() < until:
        pass


def test_what_ends_at_the_last_moment_is_never_told_afterwards():
    """The limit strikes around the end of each of these calls; none of it may reach what comes after them."""
    for more in range(30):
        until = time.process_time() + 0.09 + more * 1e-3
        try:
            with LIMIT.limited(0.1):
                work(until)
        except Overdue:
            pass
    time.sleep(0.3)


def test_a_call_that_is_told_twice_still_names_its_line(tmp_path):
    """On a busy machine the limit strikes again while its first exception is on its way through our own frames."""
    path = tmp_path / "q_sample.py"
    path.write_text("from grading.submission.call_limit import Overdue\ndef q_sample():\n    raise Overdue\n")
    space: dict = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    try:
        try:
            space["q_sample"]()
        finally:
            raise Overdue
    except Overdue as error:
        told = submission_error("q_sample", error, tmp_path)
    assert (told.kind, told.frames[-1].line) == ("timeout", 3)


def test_what_a_call_leaves_is_freed_in_its_own_thread():
    """A graph of torch's, or anything else with an end of its own, is not to end in the thread that looks at calls."""
    ended = []

    class Held:
        def __del__(self):
            ended.append(threading.current_thread().name)

    def call(held, until):
        while time.monotonic() < until:
            assert (lambda: held)() is held

    for _ in range(5):
        with LIMIT.limited(5):
            call(Held(), time.monotonic() + 2.5 * TICK)
    time.sleep(2 * TICK)
    assert ended == 5 * [threading.current_thread().name]


class SlowlyCleared(threading.Event):
    """An event that says when it is about to be cleared, and leaves the others a moment."""

    def __init__(self):
        super().__init__()
        self.about = threading.Event()

    def clear(self):
        self.about.set()
        time.sleep(0.3)
        super().clear()


def test_a_call_that_begins_while_the_watch_goes_to_rest_is_watched():
    limit = CallLimit()
    limit._work = SlowlyCleared()
    with limit.limited(0.2):
        pass
    assert limit._work.about.wait(5)
    end = time.monotonic() + 10
    with pytest.raises(Overdue), limit.limited(0.2):
        any(iter(lambda: time.monotonic() > end, True))
