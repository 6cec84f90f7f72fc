"""DAT005: loader workers start from the same random state and draw from it: the same augmentation from each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from torchward.facts import Run, WorkerRandomness
from torchward.rule import Confidence, Finding, Rule, Severity, Text
from torchward.rules._at import at


def check(run: Run) -> Iterator[Finding]:
    loaders = [loader for loader in run.loaders if loader.workers > 1]
    # Workers of an iterable data set may shuffle alike on purpose, so that each can take its own share of one order.
    if not loaders or any(loader.shuffled is None for loader in loaders):
        return
    rounds: dict[tuple[str, int, str], list[WorkerRandomness]] = defaultdict(list)
    for one in run.workers:
        if one.start != one.after:
            rounds[one.generator, one.iteration, one.start].append(one)
    alike: dict[str, int] = {}
    times: dict[str, int] = defaultdict(int)
    for (generator, _, _), same in rounds.items():
        number = len({one.worker for one in same})
        if number > 1:
            alike[generator] = max(alike.get(generator, 0), number)
            times[generator] += 1
    if not alike:
        return
    generator = max(alike, key=lambda name: (alike[name], name.startswith("dataset"), name))
    training = [loader for loader in loaders if loader.trains] or loaders
    yield Finding(
        "DAT005",
        data={
            "generator": generator,
            "workers": alike[generator],
            "of": max(loader.workers for loader in training),
            "passes": times[generator],
            "generators": tuple(sorted(alike)),
        },
        place=at(training[0].site),
        confidence=Confidence.CERTAIN,
    )


RULE = Rule(
    code="DAT005",
    name="workers-share-randomness",
    severity=Severity.WARNING,
    since="0.1.0",
    checks=(check,),
    message=Text(
        "{workers} of {of} loader workers start from the same state of `{generator}` and draw from it.",
        "{of} 个加载器工作进程中有 {workers} 个从 `{generator}` 的同一状态出发抽取随机数。",
    ),
    why=Text(
        "Each worker is given its own copy of the data set, generators included, so all of them draw the same numbers: "
        "crops, flips and noise repeat from batch to batch, and there is far less augmentation than it seems. Torch "
        "seeds only its own, NumPy's global and Python's global generator differently per worker.",
        "每个工作进程都得到数据集（包括其中的随机数生成器）的一份拷贝，因此抽到的随机数完全相同："
        "裁剪、翻转和噪声在批次之间重复，实际的数据增强远比看上去少。"
        "torch 只会为每个工作进程分别设置它自己的、NumPy 全局的和 Python 全局的随机种子。",
    ),
    fix=Text(
        "Seed per worker from torch's own seed: `def worker_init_fn(worker): seed = torch.initial_seed() % 2**32; "
        "torch.utils.data.get_worker_info().dataset.rng = np.random.default_rng(seed)`, and pass it to the `DataLoader`.",
        "用 torch 的种子为每个工作进程单独设种子：`def worker_init_fn(worker): seed = torch.initial_seed() % 2**32; "
        "torch.utils.data.get_worker_info().dataset.rng = np.random.default_rng(seed)`，并把它传给 `DataLoader`。",
    ),
    bad="""\
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Jittered(Dataset):
    def __init__(self, count=640):
        self.rng = np.random.default_rng(0)
        self.points = self.rng.normal(size=(count, 8)).astype("float32")
        self.labels = (self.points[:, 0] * self.points[:, 1] > 0).astype("int64")

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        noise = 0.1 * self.rng.normal(size=8).astype("float32")
        return self.points[index] + noise, self.labels[index]


def main():
    torch.manual_seed(0)
    loader = DataLoader(Jittered(), batch_size=32, shuffle=True, num_workers=2)
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


if __name__ == "__main__":
    main()
""",
    good="""\
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, get_worker_info


class Jittered(Dataset):
    def __init__(self, count=640):
        self.rng = np.random.default_rng(0)
        self.points = self.rng.normal(size=(count, 8)).astype("float32")
        self.labels = (self.points[:, 0] * self.points[:, 1] > 0).astype("int64")

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        noise = 0.1 * self.rng.normal(size=8).astype("float32")
        return self.points[index] + noise, self.labels[index]


def reseed(worker):
    get_worker_info().dataset.rng = np.random.default_rng(torch.initial_seed() % 2**32)


def main():
    torch.manual_seed(0)
    loader = DataLoader(Jittered(), batch_size=32, shuffle=True, num_workers=2, worker_init_fn=reseed)
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(8):
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


if __name__ == "__main__":
    main()
""",
    links=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html#dataloader",
        "https://github.com/pytorch/pytorch/issues/5059",
    ),
    needs=("loader",),
)
