"""Grade many submissions on a Dask cluster: a task takes plain JSON text and returns plain JSON text.

A Dask worker never holds a line of a submission: it starts the same process as a grade on one machine does.
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket

from grading.classroom.collect import Submission
from grading.classroom.gradebook.job import Terms, kata_version
from grading.classroom.gradebook.launch import launch, lost
from grading.classroom.gradebook.pool import Answers
from grading.submission.errors import UsageError, describe

CONNECT_SECONDS = 4
MOST_RETRIES = 2  # of a task that raises; a task whose worker died is given to another by the scheduler itself


def run_on_cluster(submissions: list[Submission], terms: Terms, address: str) -> Answers:
    """Yield each submission with its answer, as they arrive from the cluster at tcp://HOST:PORT or tls://HOST:PORT.

    Where the scheduler goes midway, what has not arrived by then is lost, and said to be.

    Raises:
        UsageError (a ValueError): Dask is not installed, nobody answers there, or the workers have another kata.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise UsageError("--cluster needs Dask; install it with: pip install -e '.[cluster]'") from None
    _knock(address)
    logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)  # what matters of it is in the rows
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # whatever Dask makes of what answers there
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"--cluster {address}: no Dask scheduler is to be had there ({reason})") from None
    try:
        _check_workers(client, address)
        futures = {client.submit(launch, terms.job(s), pure=False, retries=MOST_RETRIES): s for s in submissions}
        waiting = dict(futures)
        try:
            for future in as_completed(futures, loop=client.loop):
                del waiting[future]
                yield futures[future], _answer(future)
        except Exception as error:  # the scheduler is gone
            for submission in waiting.values():
                yield submission, lost(f"the cluster is gone: {describe(error)}; run again")
    finally:
        with contextlib.suppress(Exception):
            client.close(timeout=CONNECT_SECONDS)


def _knock(address: str) -> None:
    """See whether anybody listens at an address at all: Dask itself would try for half a minute."""
    found = re.fullmatch(r"(?:tcp|tls)://(\[[0-9a-fA-F:.]+\]|[^\[\]:/@\s]+):(\d{1,5})", address)
    if not found or not 0 < int(found[2]) < 65536:
        raise UsageError(f"--cluster {address}: no Dask scheduler's address; give tcp://HOST:PORT or tls://HOST:PORT")
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), timeout=CONNECT_SECONDS).close()
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--cluster {address}: no Dask scheduler answers there ({error})") from None


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
