"""Trainings, for comparing a bare run with a watched one: prints digests of weights, losses and random states."""

from __future__ import annotations

import hashlib
import random
import sys
from collections import deque

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, Dataset

STEPS = 60
losses: list[object] = []


def digest(*models: nn.Module) -> None:
    weights = hashlib.sha256()
    for model in models:
        for name, tensor in model.state_dict().items():
            weights.update(name.encode() + tensor.numpy().tobytes())
    print("weights", weights.hexdigest())
    print("losses", len(losses), hashlib.sha256(repr(losses).encode()).hexdigest())
    print("torch", hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest())
    print("numpy", np.random.rand(), "python", random.random())


def mlp() -> None:
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(STEPS):
        x = torch.randn(32, 20)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), x[:, :4].argmax(1))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    digest(model)


def cnn() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8 * 36, 4)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS)
    for step in range(STEPS):
        model.train()
        x = torch.randn(16, 1, 8, 8)
        loss = F.cross_entropy(model(x), (x.mean((1, 2, 3)) > 0).long())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 20 == 0:
            model.eval()
            with torch.no_grad():
                losses.append(F.cross_entropy(model(torch.randn(8, 1, 8, 8)), torch.zeros(8).long()).item())
    digest(model)


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(16, 32, 2, dropout=0.2, batch_first=True)
        self.head = nn.Linear(32, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(self.embedding(x))[0][:, -1])


def lstm() -> None:
    model = Reader()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    for _ in range(STEPS):
        x = torch.randint(0, 50, (16, 12))
        loss = F.cross_entropy(model(x), x.sum(1) % 5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    digest(model)


def transformer() -> None:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    model = nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(96, 3))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=STEPS)
    for _ in range(STEPS):
        x = torch.randn(8, 6, 16)
        for part in x.split(4):  # accumulation
            loss = F.cross_entropy(model(part), part[:, 0, :3].argmax(1)) / 2
            loss.backward()
            losses.append(loss.item())
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        schedule.step()
    digest(model)


def gan() -> None:
    generator = nn.Sequential(nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
    critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(32, 1))
    of_generator = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    of_critic = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    judge = nn.BCEWithLogitsLoss()
    for _ in range(STEPS):
        real, fake = torch.randn(32, 2) * 0.5 + 1, generator(torch.randn(32, 4))
        of_critic.zero_grad()
        loss = judge(critic(real), torch.ones(32, 1)) + judge(critic(fake.detach()), torch.zeros(32, 1))
        loss.backward()
        of_critic.step()
        of_generator.zero_grad()
        fooled = judge(critic(fake), torch.ones(32, 1))
        fooled.backward()
        of_generator.step()
        losses.append((loss.item(), fooled.item()))
    digest(generator, critic)


norm = nn.BatchNorm1d(16)
scale = torch.ones(16, requires_grad=True)


class Entangled(nn.Module):
    """Parts that `deepcopy` does not copy: a lambda over its own layers, a global module, a global tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.drop, self.last = nn.Linear(8, 16), nn.Dropout(0.2), nn.Linear(16, 3)
        self.rest = lambda x: self.last(self.drop(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rest(norm(torch.relu(self.first(x))) * scale)


class Scaled(nn.Sequential):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * scale[:3]


kept = {"mean": torch.zeros(8)}


class Remembering(nn.Module):
    """Changes a tensor in place that a global dictionary holds: nothing that could be put back."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept["mean"].mul_(0.9).add_(x.mean(0), alpha=0.1)
        return self.inner(x - kept["mean"])


def entangled() -> None:
    for model in (Remembering(), Entangled(), Scaled(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))):
        optimizer = torch.optim.Adam([*model.parameters(), *norm.parameters(), scale], lr=1e-2)
        optimizer.zero_grad()
        for step in range(2 * STEPS):
            x = torch.randn(16, 8)
            loss = F.cross_entropy(model(x), x[:, :3].argmax(1)) / 2
            loss.backward()
            losses.append(loss.item())
            if step % 2:
                optimizer.step()
                optimizer.zero_grad()
        digest(model, norm)
        print(scale.tolist(), kept["mean"].tolist())


settings: dict[str, object] = {"width": 24, "seen": [], "counts": {}}
calls = 0
means: list[float] = []
python_noise = random.Random(1)
numpy_noise = np.random.default_rng(2)
torch_noise = torch.Generator().manual_seed(3)


def note(x: torch.Tensor) -> None:
    means.append(float(x.detach().mean()))
    settings["seen"].append(len(means))


def outspoken() -> nn.Module:
    """A model whose code writes to globals, to a closure's variables and to three random generators."""
    total, last = 0, deque(maxlen=5)

    class Outspoken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(8, settings["width"]), nn.Linear(settings["width"], 3)
            self.norm = norm = nn.BatchNorm1d(3)
            self.ended = lambda x, last=self.second: norm(last(x))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            nonlocal total
            global calls
            calls += 1
            total += len(x)
            [last.append(float(row[0])) for row in x.detach()]
            settings["counts"][total] = calls
            hidden = self.first(x).relu() * (1 + 0.01 * python_noise.random() + 0.01 * numpy_noise.random())
            note(hidden)
            return self.ended(hidden + 0.01 * torch.randn(hidden.shape, generator=torch_noise))

        def kept(self) -> tuple[int, list[float]]:
            return total, list(last)

    return Outspoken()


def outside() -> None:
    model = outspoken()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(4 * STEPS):
        x = torch.randn(16, 8)
        loss = F.cross_entropy(model(x), x[:, :3].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    digest(model)
    print(calls, len(means), sum(means), settings, model.kept())
    print(python_noise.random(), numpy_noise.random(), torch.rand(1, generator=torch_noise).item())


class Noisy(Dataset):
    def __len__(self) -> int:
        return 128

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.randn(1, 8, 8) + float(np.random.randn()) + random.random(), index % 4


def workers() -> None:
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    loader = DataLoader(Noisy(), batch_size=16, shuffle=True, num_workers=2)
    for _ in range(4):
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    digest(model)


def compiled() -> None:
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Dropout(0.1), nn.Linear(32, 3))
    fast = torch.compile(model, backend="eager")
    optimizer = torch.optim.Adam(fast.parameters(), lr=1e-2)
    for _ in range(STEPS):
        x = torch.randn(16, 8)
        loss = F.cross_entropy(fast(x), x[:, :3].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    counters = torch._dynamo.utils.counters
    print("compiler", sorted((key, sorted(counters[key].items())) for key in ("frames", "stats", "graph_break")))
    digest(model)


def closures() -> None:
    """Steps that compute their own gradients: once, as under Lightning, and several times."""
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
    for optimizer in (torch.optim.Adam(model.parameters(), lr=1e-2), torch.optim.LBFGS(model.parameters(), max_iter=4)):
        for _ in range(STEPS // 2):
            x = torch.randn(16, 8)

            def closure(x: torch.Tensor = x, optimizer: torch.optim.Optimizer = optimizer) -> torch.Tensor:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), x[:, :3].argmax(1))
                loss.backward()
                return loss

            losses.append(optimizer.step(closure).item())
    digest(model)


if __name__ == "__main__":
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    kinds = (mlp, cnn, lstm, transformer, gan, entangled, outside, workers, compiled, closures)
    {kind.__name__: kind for kind in kinds}[sys.argv[1]]()
