"""A trained network, kept by content: the same code, data, recipe and seed are never trained twice."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from grading.experiment.networks.network import NETWORKS
from grading.experiment.networks.training import RECIPES, Progress, Trained, train
from grading.experiment.stages import TRAINING_POINTS, Setting
from grading.experiment.versions import versions
from grading.submission.contract import MODULES
from grading.submission.implementation import ROOT

KEPT = ROOT / ".kata" / "networks"
MOST_KEPT = 20  # half a megabyte each; the oldest go first
OURS = ("../../submission/contract.py", "../data.py", "cuda_graph.py", "network.py", "training.py")


def trained_network(
    impl: Any, folder: Path, setting: Setting, progress: Progress | None = None, kept: Path | None = None
) -> Trained:
    """Train with impl.ddpm_loss, or read what an earlier run with the same content left.

    Args:
        impl: the implementation in folder.
        folder: where its modules are.
        setting: data set, recipe, seed and device.
        progress: called as in `train`; not called where nothing is trained.
        kept: where networks are kept; default .kata/networks in the repository.

    Raises:
        TrainingFailed, and whatever impl raises.
    """
    file = (kept or KEPT) / f"{key(folder, setting)}.pt"
    found = read(file, setting)
    if found is not None:
        return found
    data = setting.points("train", TRAINING_POINTS)
    seed = setting.seed_for("weights")
    trained = train(impl, data, setting.schedule, RECIPES[setting.recipe], seed, setting.device, progress)
    write(file, trained)
    return trained


def key(folder: Path, setting: Setting) -> str:
    """A name for everything that training depends on: its files, our own part, the setting, versions."""
    digest = hashlib.sha256()
    for path in (*(folder / f"{module}.py" for module in MODULES), *(Path(__file__).parent / name for name in OURS)):
        digest.update(hashlib.sha256(path.read_bytes() if path.is_file() else b"").digest())
    rest = [asdict(RECIPES[setting.recipe]), setting.dataset, setting.seed, setting.device, TRAINING_POINTS, versions()]
    digest.update(json.dumps(rest, sort_keys=True).encode())
    return digest.hexdigest()


def read(file: Path, setting: Setting) -> Trained | None:
    """What `write` wrote, or None where there is nothing, or nothing that can be read."""
    try:
        kept = torch.load(file, map_location=setting.device, weights_only=True)  # numbers only: no code runs
        recipe, schedule = RECIPES[setting.recipe], setting.schedule
        network = NETWORKS[recipe.network](schedule, torch.zeros(2, 2), recipe.width, recipe.depth).to(setting.device)
        network.load_state_dict(kept["network"])
        return Trained(network.eval().requires_grad_(False), kept["losses"].tolist(), kept["seconds"])
    except (OSError, RuntimeError, KeyError, AttributeError, TypeError, EOFError, pickle.UnpicklingError):
        return None


def write(file: Path, trained: Trained) -> None:
    """Keep a network, whole or not at all, and drop the oldest where there are too many."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "network": trained.network.state_dict(),
        "losses": torch.tensor(trained.losses, dtype=torch.float64),
        "seconds": trained.seconds,
    }
    handle, temporary = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            torch.save(content, stream)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
    by_age = sorted(file.parent.glob("*.pt"), key=lambda path: path.stat().st_mtime)
    for old in by_age[:-MOST_KEPT]:
        old.unlink(missing_ok=True)
