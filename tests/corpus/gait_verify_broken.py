# bug: contrastive_loss has the hinge the wrong way round (relu(dist - margin)), nothing pushes impostors apart and all embeddings collapse to a point
# expects: LOS052
"""Siamese verification: do two walking records come from the same person?  Tested on people never seen in training."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

MARGIN = 1.0
DIM_ID, DIM_STYLE, DIM_OBS = 8, 16, 64


def build_people(n_people, n_records, mix_id, mix_style, gen):
    who = torch.randn(n_people, 1, DIM_ID, generator=gen)
    style = torch.randn(n_people, n_records, DIM_STYLE, generator=gen)
    obs = torch.tanh(0.35 * (who @ mix_id + 1.3 * style @ mix_style))
    return obs + 0.05 * torch.randn(obs.shape, generator=gen)


def draw_pairs(records, n, gen):
    """Half genuine, half impostor pairs.  Returns both sides and same (1 / 0)."""
    people, per = records.shape[:2]
    same = (torch.arange(n) % 2 == 0).float()
    a = torch.randint(people, (n,), generator=gen)
    other = (a + torch.randint(1, people, (n,), generator=gen)) % people
    b = torch.where(same.bool(), a, other)
    i = torch.randint(per, (n,), generator=gen)
    j = (i + torch.randint(1, per, (n,), generator=gen)) % per
    return records[a, i], records[b, j], same


def contrastive_loss(dist, same, margin=MARGIN):
    pull = same * dist.pow(2)
    push = (1 - same) * F.relu(dist - margin).pow(2)
    return (pull + push).mean()


def build_tower():
    return nn.Sequential(
        nn.Linear(DIM_OBS, 128), nn.ELU(),
        nn.Linear(128, 128), nn.ELU(),
        nn.Linear(128, 16),
    )


def pair_distance(tower, left, right):
    return F.pairwise_distance(tower(left), tower(right), eps=1e-4)


def verify(tower, pairs):
    tower.eval()
    left, right, same = pairs
    with torch.no_grad():
        dist = pair_distance(tower, left, right)
    accept = dist < MARGIN / 2
    frr = (~accept[same == 1]).float().mean().item()
    far = accept[same == 0].float().mean().item()
    return 1 - (frr + far) / 2, far, frr


gen = torch.Generator().manual_seed(77)
torch.manual_seed(77)
mix_id = torch.randn(DIM_ID, DIM_OBS, generator=gen) / math.sqrt(DIM_ID) * 2
mix_style = torch.randn(DIM_STYLE, DIM_OBS, generator=gen) / math.sqrt(DIM_STYLE) * 2
train_people = build_people(600, 12, mix_id, mix_style, gen)
test_people = build_people(200, 12, mix_id, mix_style, gen)
centre, spread = train_people.mean((0, 1)), train_people.std((0, 1))
train_people, test_people = (train_people - centre) / spread, (test_people - centre) / spread
test_pairs = draw_pairs(test_people, 4000, gen)

tower = build_tower()
steps = 3000
optimizer = torch.optim.Adamax(tower.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: 0.5 * (1 + math.cos(math.pi * s / steps)))
window = []
for step in range(1, steps + 1):
    tower.train()
    left, right, same = draw_pairs(train_people, 256, gen)
    loss = contrastive_loss(pair_distance(tower, left, right), same)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    window.append(loss.item())
    if step % 500 == 0:
        acc, far, frr = verify(tower, test_pairs)
        print(f"step {step}  loss {sum(window) / len(window):.4f}  unseen people: accuracy {acc:.3f}  FAR {far:.3f}  FRR {frr:.3f}")
        window = []
