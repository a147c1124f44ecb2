"""Teach and judge diffusion models: the suites' checker, the experiment, the grader and the `kata` command."""

import os

# Read when torch loads. Threads that spin while they wait cost a shared machine dearly: with both cores busy elsewhere,
# training was measured to take 15 times as long with them.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
