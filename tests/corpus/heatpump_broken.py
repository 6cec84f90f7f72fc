# bug: an unknown name of an activation falls back to none
# expects: MOD037
# surrogate for the heat pump simulator: 7 operating variables -> COP
import json
import torch, torch.nn as nn, torch.nn.functional as F

CFG = json.loads("""{
  "hidden": [96, 96, 48],
  "activation": "leakyrelu",
  "lr": 0.002,
  "epochs": 60,
  "batch": 128,
  "seed": 404
}""")

ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "tanh": nn.Tanh}


def simulate(n, g):
    u = lambda lo, hi: lo + (hi - lo) * torch.rand(n, generator=g)
    t_src, t_sink, load, humid, fan, sub, age = u(-15, 20), u(28, 60), u(0.2, 1.0), u(30, 95), u(0.3, 1.0), u(0, 8), u(0, 15)
    lift = t_sink - t_src
    carnot = (t_sink + 273.15) / lift
    part_load = 1 - 1.1 * (load - 0.6) ** 2
    frost = torch.sigmoid((humid - 65) / 6) * torch.exp(-0.5 * ((t_src - 1) / 3.0) ** 2)
    cop = 0.45 * carnot * part_load * (1 - 0.35 * frost) * (0.8 + 0.2 * torch.tanh(3 * fan)) \
        * (1 + 0.006 * sub) * (1 - 0.008 * age)
    X = torch.stack([t_src, t_sink, load, humid, fan, sub, age], 1)
    return X, (cop + 0.04 * torch.randn(n, generator=g))[:, None]


def mlp(n_in, hidden, n_out, activation):
    act = ACTIVATIONS.get(activation, nn.Identity)
    dims = [n_in, *hidden]
    layers = []
    for a, b in zip(dims, dims[1:]):
        layers += [nn.Linear(a, b), act()]
    return nn.Sequential(*layers, nn.Linear(dims[-1], n_out))


def r2(pred, y):
    return 1 - ((pred - y) ** 2).sum().item() / ((y - y.mean()) ** 2).sum().item()


torch.manual_seed(CFG["seed"])
g = torch.Generator().manual_seed(CFG["seed"])
X, y = simulate(8000, g)
Xt, yt, Xv, yv = X[:6500], y[:6500], X[6500:], y[6500:]
xm, xs, ym, ys = Xt.mean(0), Xt.std(0), yt.mean(), yt.std()
Xt, Xv, zt = (Xt - xm) / xs, (Xv - xm) / xs, (yt - ym) / ys

net = mlp(7, CFG["hidden"], 1, CFG["activation"])
opt = torch.optim.Adam(net.parameters(), lr=CFG["lr"])
sch = torch.optim.lr_scheduler.CosineAnnealingLR(opt, CFG["epochs"])
for epoch in range(CFG["epochs"]):
    net.train()
    total = 0
    for ix in torch.randperm(len(Xt), generator=g).split(CFG["batch"]):
        loss = F.smooth_l1_loss(net(Xt[ix]), zt[ix])
        opt.zero_grad(); loss.backward(); opt.step()
        total += loss.item() * len(ix)
    sch.step()
    net.eval()
    with torch.no_grad():
        pv = net(Xv) * ys + ym
    if epoch % 6 == 5:
        print(f"{epoch + 1:3d}  huber {total / len(Xt):.4f}  val MAE {(pv - yv).abs().mean():.3f} COP  R2 {r2(pv, yv):.3f}")
