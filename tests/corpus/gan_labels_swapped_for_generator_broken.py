# bug: the generator is trained with the "fake" targets, so it helps the discriminator instead of fooling it
# expects: TRN052
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

torch.manual_seed(4)
NOISE, BATCH = 8, 128
MEAN = torch.tensor([1.0, -1.0])
COV_ROOT = torch.tensor([[0.7, 0.0], [0.4, 0.3]])


def real_batch(n=BATCH):
    return MEAN + torch.randn(n, 2) @ COV_ROOT.t()


G = nn.Sequential(nn.Linear(NOISE, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.99))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.99))
decay = [torch.optim.lr_scheduler.LambdaLR(o, lambda k: 1 - k / 1001) for o in (opt_g, opt_d)]
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

for it in range(1, 1001):
    # discriminator
    real = real_batch()
    fake = G(torch.randn(BATCH, NOISE))
    d_loss = bce(D(real), ones) + bce(D(fake.detach()), zeros)
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    # generator
    g_loss = bce(D(fake), zeros)
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    for s in decay:
        s.step()

    if it % 250 == 0:
        print("iteration", it, "d %.3f" % d_loss.item(), "g %.3f" % g_loss.item())

G.eval()
with torch.no_grad():
    out = G(torch.randn(4000, NOISE))
    ref = real_batch(4000)
    print("mean error %.3f" % (out.mean(0) - ref.mean(0)).norm().item())
    print("covariance error %.3f" % (torch.cov(out.t()) - torch.cov(ref.t())).norm().item())
