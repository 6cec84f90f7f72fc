# expects: nothing
"""Speaker embeddings with a batch-hard triplet loss; scored on speakers never seen in training."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(404)
torch.manual_seed(404)

N_SPK, N_HELD, PER_SPK = 100, 40, 30
P, K = 12, 5
MARGIN = 0.3
STEPS = 1500


def record(n_spk, mix_voice, mix_room):
    voice = np.repeat(rng.normal(size=(n_spk, 10)), PER_SPK, axis=0)
    room = rng.normal(size=(n_spk * PER_SPK, 10))
    feats = voice @ mix_voice + 2.5 * room @ mix_room
    feats = feats + 0.9 * rng.normal(size=feats.shape)
    return feats.astype(np.float32), np.repeat(np.arange(n_spk), PER_SPK)


def pk_batch(ids_by_spk):
    chosen = rng.choice(len(ids_by_spk), P, replace=False)
    return np.concatenate([rng.choice(ids_by_spk[s], K, replace=False) for s in chosen])


def batch_hard_triplet(emb, spk):
    dist = torch.cdist(emb, emb)
    same = spk[:, None] == spk[None, :]
    hardest_pos = (dist * same).max(dim=1).values
    hardest_neg = dist.masked_fill(same, float("inf")).min(dim=1).values
    return F.relu(hardest_pos - hardest_neg + MARGIN).mean()


def recall_at_1(emb, spk):
    d = torch.cdist(emb, emb)
    d.fill_diagonal_(float("inf"))
    return (spk[d.argmin(dim=1)] == spk).float().mean().item()


mix_voice = rng.normal(size=(10, 48)) / np.sqrt(10)
mix_room = rng.normal(size=(10, 48)) / np.sqrt(10)
X, s = record(N_SPK, mix_voice, mix_room)
Xq, sq = record(N_HELD, mix_voice, mix_room)
mu, sd = X.mean(0), X.std(0)
X, Xq = torch.from_numpy((X - mu) / sd), torch.from_numpy((Xq - mu) / sd)
spk, spk_q = torch.from_numpy(s), torch.from_numpy(sq)
by_spk = [np.flatnonzero(s == k) for k in range(N_SPK)]

net = nn.Sequential(nn.Linear(48, 128), nn.LeakyReLU(0.1), nn.Linear(128, 24))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)

print(f"raw features: recall@1 on unseen speakers {recall_at_1(Xq, spk_q):.3f}")
window = []
for step in range(1, STEPS + 1):
    rows = pk_batch(by_spk)
    emb = F.normalize(net(X[rows]), dim=1)
    loss = batch_hard_triplet(emb, spk[rows])
    opt.zero_grad()
    loss.backward()
    opt.step()
    window.append(loss.item())
    if step % 250 == 0:
        print(f"step {step}: triplet loss {np.mean(window):.4f}")
        window.clear()

net.eval()
with torch.no_grad():
    score = recall_at_1(F.normalize(net(Xq), dim=1), spk_q)
print(f"embedding: recall@1 on unseen speakers {score:.3f}")
