"""The recorder and its log: readable however it ends, bounded however long the run, never in the run's way."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from torchward import runlog
from torchward.collect.run import RunBuilder


def run(tmp_path: Path, source: str, *, watched: bool = True) -> tuple[subprocess.CompletedProcess[str], Path]:
    script, folder = tmp_path / "train.py", tmp_path / "run"
    script.write_text(textwrap.dedent(source))
    command = [sys.executable, "-m", "torchward", "run", "--run-dir", str(folder)] if watched else [sys.executable]
    done = subprocess.run([*command, str(script)], capture_output=True, text=True, check=False, timeout=300)
    return done, folder


def test_a_log_cut_off_at_any_byte_is_readable_up_to_there(tmp_path: Path) -> None:
    writer = runlog.Writer(tmp_path / "whole.jsonl")
    rows = [("head", {"version": runlog.VERSION}), *(("L", {"i": 0, "t": n, "v": [n / 3]}) for n in range(20))]
    for kind, fields in rows:
        writer.add(kind, **fields)
    writer.close()
    whole = (tmp_path / "whole.jsonl").read_bytes()
    ends = [position for position, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole) + 1):
        (tmp_path / "cut.jsonl").write_bytes(whole[:cut])
        read = list(runlog.read(tmp_path / "cut.jsonl"))
        assert len(read) == sum(end < cut for end in ends)
        builder = RunBuilder()
        builder.feed(read)
        builder.facts()


def test_a_log_is_followed_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    tail = runlog.Tail(path)
    assert tail.poll() == []
    path.write_bytes(b'{"k":"a"}\n{"k":')
    assert [row["k"] for row in tail.poll()] == ["a"]
    with path.open("ab") as file:
        file.write(b'"b"}\n')
    assert [row["k"] for row in tail.poll()] == ["b"]


def test_rows_that_make_no_sense_are_left_out_and_said_so() -> None:
    builder = RunBuilder()
    builder.feed([{"k": "L", "i": 0}, {"k": "L", "i": 0, "t": 0, "v": [1.0, 2.0]}, {"k": "of a later version"}])
    (run_fact,) = builder.facts()
    assert list(run_fact.streams) == []
    assert "unreadable" in run_fact.blind["log"]


TRAIN = """
    import torch
    from torch import nn
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range({steps}):
        x = torch.randn(32, 8)
        loss = nn.functional.cross_entropy(model(x), x[:, :3].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("done", loss.item())
"""


@pytest.mark.torch
def test_a_full_disk_ends_the_recording_and_not_the_run(tmp_path: Path) -> None:
    limit = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))\n"
    source = limit + textwrap.dedent(TRAIN.format(steps=3_000))
    done, folder = run(tmp_path, source)
    bare, _ = run(tmp_path, source, watched=False)
    assert done.returncode == 0
    assert done.stdout == bare.stdout
    assert done.stderr.count("recording stopped") == 1
    (log,) = (folder / "logs").glob("*.jsonl")
    builder = RunBuilder()
    builder.feed(runlog.read(log))
    assert builder.facts()[0].samples > 0
    assert json.loads((folder / "findings.json").read_text())["looked_at"]["samples"] > 0


@pytest.mark.torch
def test_the_recorder_keeps_its_size_however_long_the_run(tmp_path: Path) -> None:
    source = """
        import sys, tracemalloc
        import torch
        from torch import nn
        from torchward.runtime import watch
        model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        def train(steps):
            for _ in range(steps):
                x = torch.randn(8, 8)
                loss = nn.functional.cross_entropy(model(x), x[:, :3].argmax(1))
                optimizer.zero_grad(); loss.backward(); optimizer.step()
        def held():
            own = tracemalloc.Filter(True, "*/torchward/*")
            return sum(item.size for item in tracemalloc.take_snapshot().filter_traces([own]).statistics("filename"))
        watch.start(sys.argv[1])
        train(600)
        tracemalloc.start()
        train(1200)
        first = held()
        train(6000)
        print(first, held())
    """
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(source))
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "run")], capture_output=True, text=True, check=True, timeout=300
    )
    first, last = map(int, done.stdout.split())
    assert last - first < 60_000  # 7,200 steps of losses and durations would be over 100 kB


@pytest.mark.torch
def test_a_part_that_fails_is_switched_off_and_training_goes_on(tmp_path: Path) -> None:
    sabotage = "import torchward.runtime.graph as graph\ngraph.walk = lambda root: 1 / 0\n"
    source = "import torch\n" + sabotage + textwrap.dedent(TRAIN.format(steps=300))
    done, folder = run(tmp_path, source)
    bare, _ = run(tmp_path, source, watched=False)
    assert done.returncode == 0
    assert done.stdout == bare.stdout
    assert done.stderr.count("ZeroDivisionError") >= 1
    assert done.stderr.count("was switched off: ZeroDivisionError") == 1
    found = json.loads((folder / "findings.json").read_text())
    assert any("ZeroDivisionError" in item["why"] for item in found["could_not_look"])
    assert found["looked_at"]["steps"] == 300


@pytest.mark.torch
def test_gradients_of_single_examples_are_passed_by(tmp_path: Path) -> None:
    """Inside `vmap` and `grad` no tensor has memory of its own to be read."""
    source = """
        import torch
        from torch.func import functional_call, grad, vmap
        from torch.nn.functional import cross_entropy
        torch.manual_seed(0)
        model = torch.nn.Linear(5, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def loss_of(weights, x, y):
            scores = functional_call(model, weights, (x[None],))
            return cross_entropy(scores, y[None]) + 0.0 * (scores.argmax(1) + scores.max(1).values).sum()

        for step in range(12):
            x, y = torch.randn(16, 5), torch.randint(3, (16,))
            weights = {name: value.detach() for name, value in model.named_parameters()}
            sizes = vmap(grad(loss_of), in_dims=(None, 0, 0))(weights, x, y)["weight"].norm(dim=(1, 2))
            loss = (cross_entropy(model(x), y, reduction="none") / (1 + sizes)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """
    done, folder = run(tmp_path, source)
    assert done.returncode == 0, done.stderr
    rows = [row for path in (folder / "logs").glob("*.jsonl") for row in runlog.read(path)]
    assert [row["text"] for row in rows if row["k"] == "error"] == []
    assert any(row["k"] == "in" for row in rows)


@pytest.mark.torch
def test_tracebacks_and_warnings_do_not_show_the_wrappers(tmp_path: Path) -> None:
    source = """
        import traceback, torch
        from torch import nn
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(5, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for call in (
            lambda: model(torch.zeros(2, 4)),
            lambda: nn.functional.cross_entropy(torch.zeros(2, 3), torch.zeros(3).long()),
            lambda: torch.zeros(2, requires_grad=True).backward(),
            lambda: torch.zeros(2).item(),
            lambda: torch.zeros(2).argmax(3),
            lambda: next(iter(torch.utils.data.DataLoader([1, "a"], batch_size=2))),
            lambda: model.load_state_dict({}),
        ):
            try:
                call()
            except Exception:
                traceback.print_exc()
        nn.functional.mse_loss(torch.zeros(3, 1), torch.zeros(3))
        torch.jit.script(nn.CrossEntropyLoss())
        model(torch.zeros(2, 4))
    """
    done, _ = run(tmp_path, source)
    bare, _ = run(tmp_path, source, watched=False)
    assert "cross_entropy_loss" in bare.stderr
    assert "UserWarning: Using a target size" in bare.stderr
    assert done.returncode == bare.returncode == 1
    assert done.stderr.startswith(bare.stderr)


@pytest.mark.torch
def test_modules_are_not_asked_for_names_of_ours(tmp_path: Path) -> None:
    """A class may answer to every name, with a warning: the models of diffusers do."""
    source = """
        import warnings, torch
        from torch import nn

        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(4, 1)

            def __getattr__(self, name):
                if name != "layer":
                    warnings.warn(f"reading {name} is deprecated")
                return super().__getattr__(name)

            def forward(self, x):
                return self.layer(x)

        model = Model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for step in range(60):
            model.train(step % 20 != 19)
            loss = model(torch.randn(8, 4)).square().mean()
            if model.training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    """
    done, _ = run(tmp_path, source)
    assert done.returncode == 0
    assert "is deprecated" not in done.stderr


@pytest.mark.torch
def test_gradients_of_a_closure_are_those_of_its_own_step(tmp_path: Path) -> None:
    """In step n the gradient is n + 1. By keyword and in place, from functions and other things that are called."""
    source = """
        import functools
        import torch

        weight = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([weight], lr=1e-3)

        def closure(factor):
            loss = (weight * factor).sum()
            optimizer.zero_grad()
            loss.backward()
            return loss

        for step in range(12):
            once = functools.partial(closure, step + 1.0)
            print(optimizer.step(closure=once) if step % 2 else optimizer.step(lambda: once()))
    """
    done, folder = run(tmp_path, source)
    bare, _ = run(tmp_path, source, watched=False)
    assert done.stdout == bare.stdout
    (log,) = (folder / "logs").glob("*.jsonl")
    rows = list(runlog.read(log))
    seen = {row["s"]: row["g"] for row in rows if row["k"] == "st"}
    assert len(seen) >= 5
    assert seen == {step: [step + 1.0] for step in seen}
    cycles = [[name for name, _ in row["e"]] for row in rows if row["k"] == "cy"]
    assert all(names == ["zero", "backward", "step"] for names in cycles if names)
    builder = RunBuilder()
    builder.feed(rows)
    (optimizer,) = builder.facts()[0].optimizers
    assert optimizer.cycles_checked >= 4
    assert optimizer.cycles_dirty == optimizer.cycles_without_gradient == 0


@pytest.mark.torch
def test_an_optimizer_that_only_hands_on_is_the_one_behind_it(tmp_path: Path) -> None:
    """As accelerate's: never initialised as one, so that torch does not tell of its steps."""
    source = """
        import torch

        class Handed(torch.optim.Optimizer):
            def __init__(self, optimizer):
                self.optimizer = optimizer
            param_groups = property(lambda self: self.optimizer.param_groups)
            defaults = property(lambda self: self.optimizer.defaults)
            state = property(lambda self: self.optimizer.state)
            def zero_grad(self):
                self.optimizer.zero_grad()
            def step(self):
                self.optimizer.step()

        model = torch.nn.Linear(4, 2)
        optimizer = Handed(torch.optim.SGD(model.parameters(), lr=0.1))
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=12)
        for step in range(12):
            optimizer.zero_grad()
            model(torch.randn(8, 4)).square().mean().backward()
            optimizer.step()
            schedule.step()
    """
    done, folder = run(tmp_path, source)
    assert done.returncode == 0, done.stderr
    (log,) = (folder / "logs").glob("*.jsonl")
    builder = RunBuilder()
    builder.feed(runlog.read(log))
    facts = builder.facts()[0]
    (optimizer,), (scheduler,) = facts.optimizers, facts.schedulers
    assert (optimizer.kind, optimizer.steps) == ("SGD", 12)
    assert (scheduler.optimizer, scheduler.steps, scheduler.optimizer_steps) == (optimizer.index, 12, 12)
    assert scheduler.steps_before_optimizer == 0


@pytest.mark.torch
def test_losses_that_come_past_one_line_of_a_library(tmp_path: Path) -> None:
    """As by `manual_backward` and `accelerator.backward`: the user's lines tell them apart, and a library's own."""
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages/theirs.py").write_text(
        "def back(loss):\n    loss.backward()\n\n\n"
        "def both(weight):\n    (weight * 2).sum().backward()\n    (weight * 3).sum().backward()\n"
    )
    source = f"""
        import sys
        sys.path.insert(0, {str(tmp_path / "site-packages")!r})
        import torch
        import theirs

        weight = torch.nn.Parameter(torch.ones(1))
        optimizer = torch.optim.SGD([weight], lr=1e-3)
        for step in range(8):
            optimizer.zero_grad()
            theirs.back(weight.square().sum())
            theirs.back(weight.abs().sum() + 5)
            theirs.both(weight)
            optimizer.step()
    """
    done, folder = run(tmp_path, source)
    assert done.returncode == 0, done.stderr
    (log,) = (folder / "logs").glob("*.jsonl")
    builder = RunBuilder()
    builder.feed(runlog.read(log))
    streams = builder.facts()[0].streams
    assert [round(stream.values.values[0]) for stream in streams] == [1, 6, 2, 3]
    assert [stream.site.line for stream in streams] == [11, 12, 13, 13]


UNUSUAL = (
    "matrix.to_sparse()",
    "matrix.to_sparse_csr()",
    "matrix.to_sparse_csc()",
    "matrix.to_sparse_bsr((2, 2))",
    "matrix.to_mkldnn()",
    "torch.nested.nested_tensor(list(matrix))",
    "torch.nested.nested_tensor(list(matrix), layout=torch.jagged)",
    "torch.sparse_coo_tensor(torch.zeros(2, 0).long(), torch.zeros(0), (40, 40))",
    "torch.quantize_per_tensor(matrix, 0.1, 0, torch.quint8)",
    "matrix.to('meta')",
    "matrix.numpy()",
    "matrix.to_sparse(1)",
)


@pytest.mark.torch
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("at", range(0, len(UNUSUAL), 4))
def test_whatever_a_model_is_given_no_part_fails(tmp_path: Path, at: int, first: bool) -> None:
    """A layout without strides, and tensors that cannot be read, are passed by."""
    source = f"""
        import warnings
        import torch
        from torch import nn
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        matrix = (torch.rand(40, 40) < 0.2).float() + torch.eye(40)
        x, y = torch.randn(40, 40), torch.randint(3, (40,))
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.last = nn.Linear(40, 8), nn.Linear(8, 3)
            def forward(self, x, matrix):
                if {first}:
                    x, matrix = matrix, x
                h = torch.relu(self.first(x))
                if getattr(matrix, "layout", None) in (torch.sparse_coo, torch.sparse_csr) and not matrix.dense_dim():
                    h = matrix @ h
                return self.last(h)
        nets = nn.ModuleList(Net() for _ in range(4))
        optimizer = torch.optim.SGD(nets.parameters(), lr=0.01)
        def total():
            loss = 0.0
            for net, other in zip(nets, [{", ".join(UNUSUAL[at : at + 4])}]):
                loss = loss + nn.functional.cross_entropy(net(*[{"other, x" if first else "x, other"}]), y)
            return loss
        for step in range(70):
            loss = total()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 10 == 0:
                nets.eval()
                with torch.no_grad():
                    total()
                nets.train()
        print("done")
        """
    done, folder = run(tmp_path, source)
    assert "done" in done.stdout, done.stderr
    rows = list(runlog.read(next((folder / "logs").glob("*.jsonl"))))
    assert [row["text"] for row in rows if row["k"] == "error"] == []
    assert {row["model"] for row in rows if row["k"] == "probe"} == {"Net"}
