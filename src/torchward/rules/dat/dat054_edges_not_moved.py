"""DAT054: graphs share a batch, and the edges of all of them join the nodes of the first."""

from __future__ import annotations

from collections.abc import Iterator

from torchward.facts import Run
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at

PASSES = 4
"""Sampled passes, all of them so: a batch whose first graph alone has edges is no other graph's neighbour four times."""


def check(run: Run) -> Iterator[Finding]:
    for found in run.batched_graphs:
        if found.short == found.passes >= PASSES:
            yield Finding(
                "DAT054",
                data={
                    "graphs": found.graphs,
                    "nodes": found.nodes,
                    "largest": found.largest,
                    "reached": found.reached,
                    "passes": found.passes,
                },
                place=at(found.site),
                confidence=Confidence.LIKELY,
            )


RULE = Rule(
    code="DAT054",
    name="edges-not-moved",
    severity=Severity.ERROR,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "a batch lays {graphs} graphs with {nodes} nodes one behind the other, the largest of {largest} nodes, but all edges "
        "lie among the first {reached} nodes (so in {passes} sampled passes): no other node gets a message.",
        "一批把 {graphs} 个图的 {nodes} 个节点依次排开，最大的图有 {largest} 个节点，但所有边都只连接前 {reached} 个节点"
        "（{passes} 次采样的反向传播中都是如此）：其余节点收不到任何消息。",
    ),
    why=Text(
        "Edges name nodes by their number within their own graph. In a batch each graph begins where the ones before it end; "
        "without that many added, the first graph's nodes get the messages of all graphs, and the rest are seen without "
        "their neighbours.",
        "边用节点在各自图中的编号表示。在批次中，每个图从前面各图的末尾开始；如果不加上这个偏移，"
        "第一个图的节点会收到所有图的消息，其余节点则没有邻居。",
    ),
    fix=Text(
        "Add up the nodes while the batch is put together: `edges.append(graph.edges + offset); offset += graph.num_nodes`, "
        "or let `torch_geometric.data.Batch.from_data_list` do it (a field of your own needs `__inc__`).",
        "在拼接批次时累加节点数：`edges.append(graph.edges + offset); offset += graph.num_nodes`，"
        "或使用 `torch_geometric.data.Batch.from_data_list`（自定义字段需要实现 `__inc__`）。",
    ),
    bad="""\
import torch
from torch import nn

torch.manual_seed(0)


def ring_or_star(label):
    nodes = int(torch.randint(6, 12, ()))
    ids = torch.arange(nodes)
    ends = torch.stack([ids[1:], torch.zeros_like(ids[1:])]) if label else torch.stack([ids, ids.roll(1)])
    return torch.rand(nodes, 4), torch.cat([ends, ends.flip(0)], 1)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 32)
        self.hidden = nn.Linear(32, 32)
        self.out = nn.Linear(32, 2)

    def forward(self, features, edges, owner, graphs):
        states = torch.relu(self.inner(features))
        for _ in range(2):
            messages = torch.zeros_like(states).index_add(0, edges[1], states[edges[0]])
            states = torch.tanh(self.hidden(messages))
        return self.out(torch.zeros(graphs, 32).index_add(0, owner, states))


labels = torch.randint(2, (600,))
graphs = [ring_or_star(label) for label in labels]
network = Network()
optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
for step in range(300):
    picks = torch.randint(600, (16,))
    chosen = [graphs[pick] for pick in picks]
    sizes = torch.tensor([len(features) for features, _ in chosen])
    owner = torch.arange(16).repeat_interleave(sizes)
    edges = torch.cat([edges for _, edges in chosen], 1)
    scores = network(torch.cat([features for features, _ in chosen]), edges, owner, 16)
    loss = nn.functional.cross_entropy(scores, labels[picks])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 49:
        print(step, loss.item())
""",
    good="""\
import torch
from torch import nn

torch.manual_seed(0)


def ring_or_star(label):
    nodes = int(torch.randint(6, 12, ()))
    ids = torch.arange(nodes)
    ends = torch.stack([ids[1:], torch.zeros_like(ids[1:])]) if label else torch.stack([ids, ids.roll(1)])
    return torch.rand(nodes, 4), torch.cat([ends, ends.flip(0)], 1)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 32)
        self.hidden = nn.Linear(32, 32)
        self.out = nn.Linear(32, 2)

    def forward(self, features, edges, owner, graphs):
        states = torch.relu(self.inner(features))
        for _ in range(2):
            messages = torch.zeros_like(states).index_add(0, edges[1], states[edges[0]])
            states = torch.tanh(self.hidden(messages))
        return self.out(torch.zeros(graphs, 32).index_add(0, owner, states))


labels = torch.randint(2, (600,))
graphs = [ring_or_star(label) for label in labels]
network = Network()
optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
for step in range(300):
    picks = torch.randint(600, (16,))
    chosen = [graphs[pick] for pick in picks]
    sizes = torch.tensor([len(features) for features, _ in chosen])
    owner = torch.arange(16).repeat_interleave(sizes)
    starts = sizes.cumsum(0) - sizes
    edges = torch.cat([edges + start for (_, edges), start in zip(chosen, starts)], 1)
    scores = network(torch.cat([features for features, _ in chosen]), edges, owner, 16)
    loss = nn.functional.cross_entropy(scores, labels[picks])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 49:
        print(step, loss.item())
""",
    links=("https://pytorch-geometric.readthedocs.io/en/latest/advanced/batching.html",),
    explains=("TRN*", "MOD009", "MOD010", "MOD012", "DAT006"),
    preview=True,
)
