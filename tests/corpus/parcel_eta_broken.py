# bug: the wrong input is embedded: the hour is ignored
# expects: MOD041
import logging
from typing import NamedTuple

import torch
from torch import Tensor, nn

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("eta")

N_DEPOTS, N_HOURS = 18, 24


class Trips(NamedTuple):
    numeric: Tensor     # distance km, stops, weight kg
    depot: Tensor
    hour: Tensor
    minutes: Tensor

    def rows(self, idx):
        return Trips(*(col[idx] for col in self))


def simulate_trips(n: int, g: torch.Generator) -> Trips:
    distance = 3 + 22 * torch.rand(n, generator=g) ** 1.3
    stops = torch.randint(1, 9, (n,), generator=g).float()
    weight = 2 + 30 * torch.rand(n, generator=g)
    depot = torch.randint(0, N_DEPOTS, (n,), generator=g)
    hour = torch.randint(0, N_HOURS, (n,), generator=g)
    depot_speed = 24 + 10 * torch.rand(N_DEPOTS, generator=g)
    h = hour.float()
    rush = torch.exp(-0.5 * ((h - 8) / 1.3) ** 2) + 1.1 * torch.exp(-0.5 * ((h - 17) / 1.6) ** 2)
    night = ((h < 5) | (h > 21)).float()
    speed = depot_speed[depot] * (1 - 0.42 * rush + 0.25 * night)
    minutes = 60 * distance / speed + stops * (2.2 + 0.03 * weight)
    minutes = minutes * (1 + 0.08 * torch.randn(n, generator=g))
    return Trips(torch.stack([distance, stops, weight], 1), depot, hour, minutes)


class EtaModel(nn.Module):
    def __init__(self, width: int = 64, emb: int = 6):
        super().__init__()
        self.numeric = nn.Sequential(nn.Linear(3, width), nn.GELU())
        self.depot_emb = nn.Embedding(N_DEPOTS, emb)
        self.hour_emb = nn.Embedding(N_HOURS, emb)
        self.trunk = nn.Sequential(
            nn.Linear(width + 2 * emb, width), nn.GELU(),
            nn.Linear(width, width), nn.GELU(),
            nn.Linear(width, 1),
        )
        nn.init.normal_(self.depot_emb.weight, std=0.3)
        nn.init.normal_(self.hour_emb.weight, std=0.3)

    def forward(self, numeric: Tensor, depot: Tensor, hour: Tensor) -> Tensor:
        parts = [
            self.numeric(numeric),
            self.depot_emb(depot),
            self.hour_emb(depot),
        ]
        return self.trunk(torch.cat(parts, dim=-1)).squeeze(-1)


class EtaSystem:
    """Scaling of inputs and of the log duration around the network."""

    def __init__(self, train: Trips):
        self.num_mean, self.num_std = train.numeric.mean(0), train.numeric.std(0)
        log_min = train.minutes.log()
        self.y_mean, self.y_std = log_min.mean(), log_min.std()
        self.net = EtaModel()

    def __call__(self, trips: Trips) -> Tensor:
        return self.net((trips.numeric - self.num_mean) / self.num_std, trips.depot, trips.hour)

    def loss(self, trips: Trips) -> Tensor:
        target = (trips.minutes.log() - self.y_mean) / self.y_std
        return nn.functional.huber_loss(self(trips), target, delta=1.0)

    @torch.no_grad()
    def report(self, trips: Trips):
        self.net.eval()
        loss = self.loss(trips).item()
        minutes = (self(trips) * self.y_std + self.y_mean).exp()
        err = (minutes - trips.minutes).abs()
        within = (err < 0.15 * trips.minutes).float().mean().item()
        self.net.train()
        return loss, err.mean().item(), within


def train(epochs=34, batch_size=128, lr=3e-3, seed=33):
    torch.manual_seed(seed)
    trips = simulate_trips(12000, torch.Generator().manual_seed(seed))
    order = torch.randperm(len(trips.minutes))
    train_set, valid_set = trips.rows(order[:10000]), trips.rows(order[10000:])
    system = EtaSystem(train_set)
    opt = torch.optim.RAdam(system.net.parameters(), lr=lr, weight_decay=1e-5)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.91)
    naive = (valid_set.minutes - train_set.minutes.median()).abs().mean()
    log.info("trips: %d train, %d valid; median MAE %.2f min", len(train_set.minutes), len(valid_set.minutes), naive)
    for epoch in range(1, epochs + 1):
        total = 0.0
        chunks = torch.randperm(len(train_set.minutes)).split(batch_size)
        for idx in chunks:
            loss = system.loss(train_set.rows(idx))
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() / len(chunks)
        sched.step()
        val, mae, within = system.report(valid_set)
        log.info("epoch %02d  train %.4f  valid %.4f  MAE %.2f min  within 15%%: %.3f", epoch, total, val, mae, within)


if __name__ == "__main__":
    train()
