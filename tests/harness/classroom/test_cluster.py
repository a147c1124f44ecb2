"""A class graded on a real Dask cluster, of which a worker is killed midway."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import summary
from class_of_twenty import FILES, STUBS, put, terms

from grading.classroom.gradebook import cluster, gradebook
from grading.classroom.gradebook.job import kata_version
from grading.submission.errors import UsageError
from grading.submission.implementation import ROOT

CLASS = {"ada": {"q_sample.py": FILES["q_sample.py"]}, "bo": STUBS, "di": {"loss.py": "import os; os._exit(0)"}}


def on(address: str):
    return lambda submissions, terms: cluster.run_on_cluster(submissions, terms, address)


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # Dask's own, of its own threads and sockets
def test_a_class_is_whole_though_a_worker_is_killed(tmp_path):
    """The worker that is killed is grading at that moment; what it had is given to another."""
    distributed = pytest.importorskip("distributed", reason="needs pip install -e '.[cluster]'")
    for name, files in CLASS.items():
        put(tmp_path / "class" / name, files)
    killed = []

    def kill_a_worker(*_):
        if not killed:
            with distributed.Client(local.scheduler_address, set_as_default=False) as client:
                pids, busy = client.run(os.getpid), [w for w, keys in client.processing().items() if keys]
            killed.append(pids[busy[0]])
            os.kill(killed[0], signal.SIGKILL)

    quiet = {"dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **quiet) as local:
        rows = gradebook(tmp_path / "class", tmp_path / "out", terms(), on(local.scheduler_address), kill_a_worker)
    assert killed
    assert [(row.name, row.status, row.points) for row in rows] == [
        ("ada", "graded", 12),
        ("bo", "graded", 0),
        ("di", "graded", 0),
    ]
    summary.lines.append(f"cluster: {len(rows)} of {len(rows)} graded, a busy worker killed after the first")


def test_without_dask_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install -e '\.\[cluster\]'"):
        next(cluster.run_on_cluster([], terms(), "tcp://127.0.0.1:8786"))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere", "ftp://x:1", ""])
def test_an_address_where_nobody_answers_is_one_sentence(address, monkeypatch):
    pytest.importorskip("distributed", reason="needs pip install -e '.[cluster]'")
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(UsageError, match="no Dask scheduler") as told:
        next(cluster.run_on_cluster([], terms(), address))
    assert "\n" not in str(told.value)


class Workers:
    """The two questions that a client is asked before anything is graded."""

    def __init__(self, versions: dict[str, str] | None) -> None:
        self.versions = versions

    def wait_for_workers(self, *_, **__):
        if self.versions is None:
            raise TimeoutError

    def run(self, _):
        return self.versions


@pytest.mark.parametrize(
    ("versions", "says"), [(None, "no workers"), ({"tcp://a": "old"}, "tcp://a has another version")]
)
def test_workers_that_could_not_grade_are_one_sentence(versions, says):
    with pytest.raises(UsageError, match=says):
        cluster._check_workers(Workers(versions), "tcp://x")
    cluster._check_workers(Workers({"tcp://a": kata_version()}), "tcp://x")


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_goes_midway_leaves_rows_that_say_so(tmp_path):
    pytest.importorskip("distributed", reason="needs pip install -e '.[cluster]'")
    for name in ("ada", "bo", "di"):
        put(tmp_path / "class" / name, {"loss.py": f"# {name}"})
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    where, python = tmp_path / "scheduler.json", [sys.executable, "-m"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    scheduler = [*python, "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    worker = [*python, "distributed.cli.dask_worker", "--nthreads", "1", "--no-dashboard", "--no-nanny"]
    started = [subprocess.Popen([*scheduler, "--scheduler-file", str(where)], env=environment, **quiet)]
    try:
        while not where.exists() or not where.read_text():
            time.sleep(0.1)
        address = json.loads(where.read_text())["address"]
        started.append(subprocess.Popen([*worker, address], env=environment, **quiet))
        told = lambda *_: started[0].kill()  # noqa: E731
        rows = gradebook(tmp_path / "class", tmp_path / "out", terms(train="each"), on(address), told)
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert sorted(row.status for row in rows) == ["failed", "failed", "graded"]
    assert all("cluster" in row.message for row in rows if row.status == "failed")
