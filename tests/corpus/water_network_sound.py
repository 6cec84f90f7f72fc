# expects: nothing
# Predict pressure drop at each junction of a water network from demands and pipe widths.
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(3)
gen = torch.Generator().manual_seed(17)


def random_network():
    n = int(torch.randint(18, 36, (1,), generator=gen))
    pairs = set()
    for i in range(1, n):
        pairs.add((int(torch.randint(0, i, (1,), generator=gen)), i))
    for _ in range(n):
        a, b = torch.randint(0, n, (2,), generator=gen).tolist()
        if a != b:
            pairs.add((min(a, b), max(a, b)))
    e = torch.tensor(sorted(pairs)).t()
    width = 0.3 + torch.rand(e.shape[1], generator=gen)
    src, dst = torch.cat([e[0], e[1]]), torch.cat([e[1], e[0]])
    width = torch.cat([width, width])
    demand = torch.distributions.Exponential(1.0).icdf(torch.rand(n, generator=gen) * 0.98)
    height = torch.randn(n, generator=gen)
    # two hops of load passing through the pipes
    hop1 = torch.zeros(n).index_add_(0, dst, width * demand[src])
    hop2 = torch.zeros(n).index_add_(0, dst, width * torch.tanh(0.4 * hop1)[src])
    drop = hop1 + 0.8 * hop2 + 0.5 * height * demand + 0.2 * torch.randn(n, generator=gen)
    x = torch.stack([demand, height], dim=1)
    return x, src, dst, width, drop


def merge(graphs):
    xs, srcs, dsts, ws, ys, shift = [], [], [], [], [], 0
    for x, s, d, w, y in graphs:
        xs.append(x); srcs.append(s + shift); dsts.append(d + shift); ws.append(w); ys.append(y)
        shift += len(x)
    return torch.cat(xs), torch.cat(srcs), torch.cat(dsts), torch.cat(ws), torch.cat(ys)


class Hop(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.message = nn.Sequential(nn.Linear(dim + 1, dim), nn.ReLU(), nn.Linear(dim, dim))
        self.update = nn.Sequential(nn.Linear(2 * dim, dim), nn.ReLU(), nn.Linear(dim, dim))
        self.norm = nn.LayerNorm(dim)

    def forward(self, h, src, dst, width):
        m = self.message(torch.cat([h[src], width[:, None]], dim=1))
        agg = torch.zeros_like(h)
        agg.index_add_(0, dst, m)
        return h + self.update(torch.cat([self.norm(h), agg], dim=1))


class FlowNet(nn.Module):
    def __init__(self, dim=48, hops=3):
        super().__init__()
        self.inp = nn.Linear(2, dim)
        self.hops = nn.ModuleList(Hop(dim) for _ in range(hops))
        self.out = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 1))

    def forward(self, x, src, dst, width):
        h = self.inp(x)
        for hop in self.hops:
            h = hop(h, src, dst, width)
        return self.out(h).squeeze(-1)


networks = [random_network() for _ in range(900)]
train, test = networks[:650], networks[650:]
targets = torch.cat([g[-1] for g in train])
y_mean, y_std = targets.mean(), targets.std()

net = FlowNet()
opt = torch.optim.RMSprop(net.parameters(), lr=5e-4)
EPOCHS, BATCH = 30, 20
sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=EPOCHS)
test_batch = merge(test)
for epoch in range(EPOCHS):
    net.train()
    order = torch.randperm(len(train)).tolist()
    total, nodes = 0.0, 0
    for i in range(0, len(order), BATCH):
        x, src, dst, width, y = merge([train[k] for k in order[i:i + BATCH]])
        loss = F.mse_loss(net(x, src, dst, width), (y - y_mean) / y_std)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(y)
        nodes += len(y)
    sched.step()
    net.eval()
    with torch.no_grad():
        x, src, dst, width, y = test_batch
        pred = net(x, src, dst, width) * y_std + y_mean
        r2 = 1 - ((pred - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()
        mae = (pred - y).abs().mean()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1:3d} | train mse {total / nodes:.4f} | test R2 {r2:.4f} | test MAE {mae:.3f}")
print(f"final test R2 {r2:.4f}, MAE {mae:.3f} on {len(y)} junctions")
