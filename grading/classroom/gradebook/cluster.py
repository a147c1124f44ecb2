"""Grade many submissions on a Dask cluster: a task takes plain JSON text and returns plain JSON text.

A Dask worker never holds a line of a submission: it starts the same process as a grade on one machine does.
"""

from __future__ import annotations

from grading.classroom.gradebook.collect import Submission
from grading.classroom.gradebook.job import Terms, kata_version
from grading.classroom.gradebook.launch import launch, lost
from grading.classroom.gradebook.pool import Answers
from grading.submission.errors import UsageError

CONNECT_SECONDS = 15
MOST_RETRIES = 2  # of a task that raises; a task whose worker died is given to another by the scheduler itself


def run_on_cluster(submissions: list[Submission], terms: Terms, address: str) -> Answers:
    """Yield each submission with its answer, as they arrive from the cluster at tcp://HOST:PORT or tls://HOST:PORT.

    Raises:
        UsageError (a ValueError): Dask is not installed, nobody answers there, or the workers have another kata.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise UsageError("--cluster needs Dask; install it with: pip install -e '.[cluster]'") from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(
            f"--cluster {address}: no Dask scheduler to be had there, as tcp://HOST:PORT ({reason})"
        ) from None
    with client:
        _check_workers(client, address)
        futures = {client.submit(launch, terms.job(s), pure=False, retries=MOST_RETRIES): s for s in submissions}
        for future in as_completed(futures, loop=client.loop):
            yield futures[future], _answer(future)


def _check_workers(client, address: str) -> None:  # type: ignore[no-untyped-def]
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError:
        raise UsageError(f"--cluster {address}: that cluster has no workers") from None
    try:
        versions = client.run(kata_version)
    except Exception as error:  # whatever a worker without the kata raises
        raise UsageError(f"--cluster {address}: a worker there cannot run the kata ({error})") from None
    for worker, version in versions.items():
        if version != kata_version():
            raise UsageError(f"--cluster {address}: the worker {worker} has another version of the kata")


def _answer(future) -> str:  # type: ignore[no-untyped-def]
    """The text that a task returned, or the answer that there is none: the cluster may lose a task, or itself."""
    try:
        return str(future.result())
    except Exception as error:
        return lost(f"the cluster lost it: {type(error).__name__}: {error}")
