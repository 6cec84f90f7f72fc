"""MEM001: graphs of past steps are still alive: something that was computed from them is kept."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import LossStream, Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

ALIVE = 5
"""Graphs of as many sampled steps alive at once. One is normal (the loop's own variable), two with a best loss kept;
garbage in reference cycles waits for the collector. Some hundred other programs of the tests had two at most."""
SHARE = 0.3
"""... and of those marked by then, of which at most so many count: a sum that is reset every epoch frees the earlier
ones."""
MARKED = 24


OUTPUTS = 12
"""Steps whose graphs are alive at once, of calls that no backward pass followed: a few may be kept on purpose, ..."""
GROWN = 32 * 2**20
"""... and what is small, as one of each epoch may be, does no harm. Measured: 1.9 GB for a monitor that embeds 200 images
every five steps."""


def _grown(run: Run) -> float:
    """Bytes that the process has grown. The first steps allocate what every step needs."""
    resident = [value for value in run.resident_bytes.values if value > 0]
    return max(0.0, resident[-1] - resident[min(5, len(resident) - 1)]) if resident else 0.0


def _kept(stream: LossStream) -> bool:
    return stream.most_alive_graphs >= max(ALIVE, SHARE * min(stream.marked_graphs, MARKED))


def check(run: Run) -> Iterator[Finding]:
    for stream in run.streams:
        if not _kept(stream):
            continue
        yield Finding(
            "MEM001",
            data={
                "alive": stream.most_alive_graphs,
                "marked": max(stream.marked_graphs, stream.most_alive_graphs),
                "grown_mb": round(_grown(run) / 2**20, 1),
                "still_alive": stream.alive_graphs,
            },
            place=at(stream.site, stream.values),
            confidence=Confidence.CERTAIN,
        )


def check_outputs(run: Run) -> Iterator[Finding]:
    """Of calls that no backward pass followed, as of a monitor that keeps what a model made."""
    for model in run.models:
        kept, unused = model.calls.graphs_kept, model.calls.graphs_unused
        if kept < max(OUTPUTS, SHARE * min(unused, MARKED)):
            continue
        # What a card holds is not known.
        if _grown(run) < GROWN and (run.device in ("", "cpu") or kept < 2 * OUTPUTS):
            continue
        yield Finding(
            "MEM001",
            data={
                "alive": kept,
                "marked": max(kept, unused),
                "grown_mb": round(_grown(run) / 2**20, 1),
                "still_alive": kept,
            },
            place=at(model.kept_site or model.site),
            confidence=Confidence.CERTAIN,
        )


RULE = Rule(
    code="MEM001",
    name="graphs-kept-alive",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check, check_outputs),
    message=Text(
        "the graphs of {alive} steps (of {marked} looked at) were in memory at once, long after anything went backward through them; "
        "the process has grown by {grown_mb} MB.",
        "{alive} 个训练步的计算图（共查看 {marked} 个）在已不再用于反向传播之后很久仍同时留在内存中；进程内存增长了 {grown_mb} MB。",
    ),
    why=Text(
        "A loss or an output that is summed (`total += loss`), appended to a list or kept in an attribute holds on to "
        "the whole graph of its step. Memory grows with every step, until the run is out of it; backward through a "
        "longer and longer graph also gets slower.",
        "把损失或输出累加（`total += loss`）、追加到列表或存为属性，都会保住那一步的整个计算图。"
        "内存随训练步数增长，直到耗尽；如果反向传播还要穿过越来越长的图，速度也会越来越慢。",
    ),
    fix=Text(
        "Keep numbers, not graphs: `total += loss.item()`, `losses.append(loss.detach())`, `hidden = hidden.detach()` "
        "between steps.",
        "保存数值而不是计算图：`total += loss.item()`、`losses.append(loss.detach())`，步与步之间用 `hidden = hidden.detach()`。",
    ),
    bad="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

x = torch.randn(960, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(7):
    total = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss
    print(f"{epoch}: {total / len(loader):.3f}")
""",
    good="""\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

x = torch.randn(960, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(7):
    total = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"{epoch}: {total / len(loader):.3f}")
""",
    links=("https://docs.pytorch.org/docs/stable/notes/faq.html#my-model-reports-cuda-runtime-error-2-out-of-memory",),
    needs=("graph",),
    explains=("MEM002", "MEM003"),
)
