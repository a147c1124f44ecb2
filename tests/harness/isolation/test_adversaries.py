"""Hostile submissions: none earns what it attacks, none spoils more than it must, none leaves anything behind.

The tables are in adversaries/*.toml. Each attack is a copy of the solutions with some lines appended to one module, run
in the best sandbox of this machine, and asked for every function. Attacks on the metric: see test_path_check.py.
"""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest
import summary
import torch
from isolation.grader_memory import Peak, peak_memory, shown

from grading.isolation import IsolatedImplementation, Limits, server
from grading.judging import closed_form
from grading.judging.compare import mismatch
from grading.submission.contract import FUNCTIONS, MODULE_OF, MODULES, NoiseSchedule, schedule_from
from grading.submission.errors import SubmissionError
from grading.submission.implementation import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parents[1] / "adversaries"
ATTACKS = {
    (table.stem, name): attack
    for table in sorted(HERE.glob("*.toml"))
    if table.stem != "metric"
    for name, attack in tomllib.loads(table.read_text(encoding="utf-8")).items()
}
LIMITS = Limits(call=1.0, total=8.0, memory=512 << 20, restarts=20)
LEFT = Path("/tmp/kata-left-behind")
SANDBOXES = {"neighbours": "portable"}  # by kind of attack; the best that there is for all others
MOST_MEMORY = 128.0  # MiB that an attack may take of the grader's; what torch imports late takes half of it


def build(folder: Path, attack: dict) -> Path:
    """A copy of the solutions with the attack in it."""
    folder.mkdir()
    for module in MODULES:
        shutil.copyfile(ROOT / "solutions" / f"{module}.py", folder / f"{module}.py")
    source = attack.get("source", "").replace("{root}", str(ROOT))
    if "module" in attack:
        with open(folder / f"{attack['module']}.py", "a", encoding="utf-8") as file:
            file.write(f"\n\n{source}\n")
        return folder
    path, kind = folder / attack["file"], attack.get("kind", "text")
    path.unlink(missing_ok=True)
    if kind == "link":
        path.symlink_to(ROOT / "solutions" / attack["file"])
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes({"huge": b"#" * 10**7, "bytes": bytes(range(256))}.get(kind, source.encode()))
    return folder


def questions() -> dict:
    """For each function: a call, and the value due, from closed forms and numbers that can be checked by hand."""
    draw = torch.Generator().manual_seed(5)
    betas = torch.tensor([0.1, 0.3, 0.2, 0.4], dtype=torch.float64)
    schedule, t = schedule_from(betas), torch.tensor([0, 3, 1])
    x, y, z = (torch.randn(3, 2, generator=draw, dtype=torch.float64) for _ in range(3))
    one = schedule_from(torch.tensor([0.75], dtype=torch.float64))
    root = torch.linspace(1e-4**0.5, 0.02**0.5, 5) ** 2

    def model(x_t, t):
        return 0 * x_t

    x_t = closed_form.q_sample(x, t, schedule, y)
    cosine = torch.tensor([1 - (torch.cos(torch.tensor(torch.pi / 2, dtype=torch.float64) * 1.0) ** 2)]).clamp(
        max=0.999
    )
    return {
        "linear_beta_schedule": (lambda i: i.linear_beta_schedule(5), torch.linspace(1e-4, 0.02, 5)),
        "quadratic_beta_schedule": (lambda i: i.quadratic_beta_schedule(5), root),
        "cosine_beta_schedule": (lambda i: i.cosine_beta_schedule(1), cosine.float()),
        "make_schedule": (lambda i: stacked(i.make_schedule(betas)), torch.stack(list(schedule))),
        "q_sample": (lambda i: i.q_sample(x.clone(), t, copied(schedule), y.clone()), x_t),
        "ddpm_loss": (lambda i: i.ddpm_loss(model, x.clone(), t, copied(schedule), y.clone()), y.square().mean()),
        "ddpm_step": (lambda i: i.ddpm_step(x, 2, y, schedule, z), closed_form.ddpm_step(x, 2, y, schedule, z)),
        "ddpm_sample": (lambda i: i.ddpm_sample(model, x, one), 2 * x),
        "ddim_timesteps": (lambda i: i.ddim_timesteps(10, 3), [6, 3, 0]),
        "ddim_step": (
            lambda i: i.ddim_step(x, 3, 1, y, schedule, 0.5, z),
            closed_form.ddim_step(x, 3, 1, y, schedule, 0.5, z),
        ),
        "ddim_sample": (lambda i: i.ddim_sample(model, x, one, 1), 2 * x),
    }


def stacked(schedule) -> object:
    return torch.stack(list(schedule)) if isinstance(schedule, NoiseSchedule) else schedule


def copied(schedule: NoiseSchedule) -> NoiseSchedule:
    return NoiseSchedule(*(table.clone() for table in schedule))


def verdicts(folder: Path, sandbox: str) -> tuple[dict[str, str], list[str]]:
    """How each function ended, and what was said of those that ended badly."""
    found, said = {}, []
    with IsolatedImplementation(folder, limits=LIMITS, sandbox=sandbox) as implementation:
        for function, (ask, due) in questions().items():
            try:
                found[function] = "wrong" if mismatch(ask(implementation), due) else "right"
            except SubmissionError as error:
                found[function] = error.kind
                said.append(error.message)
    return found, said


def attacked(attack: dict) -> str:
    """The function that an attack is about: the module's first, unless it says another."""
    module = attack.get("module") or attack["file"].removesuffix(".py")
    return attack.get("of") or FUNCTIONS.get(module, ("q_sample",))[0]


def spoiled(attack: dict) -> set[str]:
    """Functions that need not be right: those of the module under attack, and of more where the attack says so."""
    module = MODULE_OF[attacked(attack)]
    users: tuple[str, ...] = ("loss",) if module == "q_sample" else ()  # the reference's loss calls its q_sample
    if attack.get("spoils") == "all":
        users = MODULES
    return {name for part in (module, *users) for name in FUNCTIONS[part]}


@pytest.mark.parametrize(("kind", "name"), ATTACKS, ids=lambda part: part)
def test_an_attack_earns_nothing_and_spoils_nothing_else(kind, name, tmp_path, monkeypatch):
    attack = ATTACKS[kind, name]
    monkeypatch.setenv("KATA_SECRET", "42")
    monkeypatch.setenv("GITHUB_OUTPUT", str(LEFT))
    folder, before = build(tmp_path / "submission", attack), torch_state()
    LEFT.unlink(missing_ok=True)
    sandbox = SANDBOXES.get(kind, "auto")
    server(sandbox)  # its start is not the attack's time
    start = time.monotonic()
    with peak_memory() as peak:
        found, said = verdicts(folder, sandbox)
    seconds = time.monotonic() - start
    note(kind, name, f"{attacked(attack)} {found[attacked(attack)]}", seconds, peak)
    assert peak.extra is None or peak.extra < MOST_MEMORY
    assert found[attacked(attack)] in attack["ends"], said
    assert {f for f, end in found.items() if end != "right"} <= spoiled(attack), found
    assert all(len(message) < 1100 and "\x1b" not in message and message.strip() for message in said)
    assert torch_state() == before
    assert not LEFT.exists()
    assert seconds < LIMITS.total + 4
    assert strangers(sandbox) == []


def torch_state() -> tuple:
    return (
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
        torch.isclose,
        torch.Tensor.__eq__,
    )


def strangers(sandbox: str) -> list[str]:
    """Processes below the fork server, which should be alone again (with bubblewrap's two)."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    below, seen = [server(sandbox).process.pid], []
    while below:
        children = parents.get(below.pop(), [])
        below += children
        seen += children
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in seen]
    return [str(command) for command in commands[2 if server(sandbox).tier == "namespaces" else 0 :]]


def note(kind: str, name: str, ended: str, seconds: float, peak: Peak) -> None:
    if not summary.lines:
        summary.lines.append(f"hostile submissions, sandbox: {server().tier} ({', '.join(server().locks)})")
    summary.lines.append(f"  {kind:<11} {name:<40} {ended:<28} {seconds:5.1f} s {shown(peak)}")


def test_there_are_enough_attacks():
    assert len(ATTACKS) >= 50
