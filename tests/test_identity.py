"""Promise 2: training is bit-identical with and without torchward."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("identity_program.py")
KINDS = ("mlp", "cnn", "lstm", "transformer", "gan", "entangled", "outside", "workers", "compiled", "closures")


def output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS)
def test_weights_losses_and_random_states_are_the_same_to_the_last_bit(kind: str, tmp_path: Path) -> None:
    bare = output([sys.executable, str(PROGRAM), kind])
    folder = tmp_path / "run"
    watched = output([sys.executable, "-m", "torchward", "run", "--run-dir", str(folder), str(PROGRAM), kind])
    assert "weights" in bare
    assert watched == bare
    # It was really watched: steps were sampled, and nothing of the recorder failed.
    found = json.loads((folder / "findings.json").read_text())
    assert found["looked_at"]["samples"] >= 5
    logs = "".join(path.read_text() for path in (folder / "logs").glob("*.jsonl"))
    assert '"k":"error"' not in logs
    if kind not in ("gan", "entangled", "compiled"):
        assert '"kind":"LeakProbe"' in logs


EXPORTS = """
import copy
import pickle

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(8, 32), nn.Linear(32, 3)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


torch.manual_seed(0)
x = torch.randn(200, 8)
y = (x @ torch.randn(8, 3)).argmax(1)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(40):
    loss = nn.functional.cross_entropy({call}(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step == 20:
        traced = torch.jit.trace(net, x)
print(loss.item().hex(), torch.equal(traced(x), net(x)), torch.rand(1).item().hex())
exported = [torch.export.export(net, (x,), strict=strict).module() for strict in (False, True)]
others = [torch.jit.script(net), *exported, torch.fx.symbolic_trace(net)]
others += [copy.deepcopy(net), pickle.loads(pickle.dumps(net))]
print([torch.allclose(other(x), net(x)) for other in others])
print(torch.allclose(torch.func.functional_call(net, dict(net.named_parameters()), (x,)), net.forward(x)))
"""


@pytest.mark.torch
@pytest.mark.parametrize("call", ["net", "net.forward"])
def test_a_model_is_traced_scripted_and_exported_as_without(call: str, tmp_path: Path) -> None:
    program, folder = tmp_path / "train.py", tmp_path / "run"
    program.write_text(EXPORTS.replace("{call}", call), encoding="utf-8")
    bare = output([sys.executable, str(program)])
    assert "False" not in bare
    assert output([sys.executable, "-m", "torchward", "run", "--run-dir", str(folder), str(program)]) == bare
    logs = "".join(path.read_text() for path in (folder / "logs").glob("*.jsonl"))
    assert '"k":"error"' not in logs
    assert '"name":"net"' in logs


PARAMETRISED = """
import torch
from torch import nn
from torch.nn.utils import prune
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm

torch.manual_seed(0)
x = torch.randn(200, 8)
y = (x @ torch.randn(8, 3)).argmax(1)
layers = [weight_norm(nn.Linear(8, 32)), spectral_norm(nn.Linear(32, 32)), orthogonal(nn.Linear(32, 32))]
layers.append(nn.Linear(32, 3))
net = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2], layers[3])
old = nn.Sequential(nn.utils.spectral_norm(nn.Linear(3, 3)), nn.LazyLinear(3))
old(torch.zeros(1, 3))
prune.l1_unstructured(net[5], "weight", 0.3)
optimizer = torch.optim.SGD([*net.parameters(), *old.parameters()], lr=0.05, momentum=0.9)
for step in range(80):
    loss = nn.functional.cross_entropy(old(net(x)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        net.eval()
        with torch.no_grad():
            print(net(x).sum().item().hex())
        net.train()
print(loss.item().hex(), [value.double().sum().item().hex() for value in net.state_dict().values()])
"""


@pytest.mark.torch
def test_what_a_parametrisation_keeps_is_left_alone(tmp_path: Path) -> None:
    program, folder = tmp_path / "train.py", tmp_path / "run"
    program.write_text(PARAMETRISED, encoding="utf-8")
    bare = output([sys.executable, str(program)])
    assert output([sys.executable, "-m", "torchward", "run", "--run-dir", str(folder), str(program)]) == bare
    logs = "".join(path.read_text() for path in (folder / "logs").glob("*.jsonl"))
    assert '"kind":"DependenceProbe"' in logs
    assert '"k":"error"' not in logs


COMPLEX = """
import torch
from torch import nn

torch.manual_seed(0)


class Filter(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 8, dtype=torch.cfloat))
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return self.out((x @ self.weight).abs())


x, y = torch.randn(200, 8, dtype=torch.cfloat), torch.randint(0, 3, (200,))
model = Filter()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(3):
    for rows in torch.randperm(200).split(20):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print((model(x).argmax(1) == y).sum().item())
"""


@pytest.mark.torch
def test_complex_inputs_bring_no_warning(tmp_path: Path) -> None:
    script = tmp_path / "filter.py"
    script.write_text(COMPLEX)
    bare = output([sys.executable, str(script)])
    watched = [sys.executable, "-m", "torchward", "run", "--run-dir", str(tmp_path / "run"), str(script)]
    done = subprocess.run(watched, capture_output=True, text=True, check=True)
    assert done.stdout == bare
    assert "Warning" not in done.stderr
