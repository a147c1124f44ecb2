"""What a training loads: no compiler, which it has no use for, and no other library for algebra."""

import subprocess
import sys

TRAINS = """
import sys
from grading.experiment.networks.training import RECIPES, train
from grading.experiment.stages import Setting
from grading.submission.implementation import ROOT, Implementation
from dataclasses import replace

setting = Setting()
data = setting.points("train", 256)
train(Implementation(ROOT / "solutions"), data, setting.schedule, replace(RECIPES["kata"], steps=3), 0)
print(*sorted({"torch._dynamo", "sympy", "scipy"} & {*sys.modules}))
"""


def test_a_training_loads_no_compiler():
    """torch's own class for Adam does: 64 MB, and two seconds of each grade."""
    done = subprocess.run([sys.executable, "-c", TRAINS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
