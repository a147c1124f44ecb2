#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image. Python 3.10 or later.
set -euo pipefail
cd "$(dirname "$0")"

# bubblewrap makes the better sandbox where the container allows it; without it the grader uses what the kernel has.
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq && apt-get install -y -qq --no-install-recommends bubblewrap python3 python3-venv \
    || echo "some packages could not be installed; going on with what is there"

python3 -m venv venv
venv/bin/pip install -q --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu \
    -c kata/constraints.txt -e ./kata
venv/bin/python -c "import torch; print('torch', torch.__version__)"
