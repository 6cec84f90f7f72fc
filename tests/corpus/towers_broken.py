# bug: scores against a cache without a graph
# expects: LOS006 MOD011
"""Two-tower retrieval for a music service: user id + age/device on one side, audio descriptors of the track on the other."""
import torch
import torch.nn as nn
import torch.nn.functional as F

N_USERS, N_TRACKS, AUDIO, LATENT = 7000, 500, 24, 6
PLAYS_PER_USER = 12


def make_catalogue(gen):
    audio = torch.randn(N_TRACKS, AUDIO, generator=gen)
    w1 = torch.randn(AUDIO, 32, generator=gen) / AUDIO ** 0.5
    w2 = torch.randn(32, LATENT, generator=gen) / 32 ** 0.5
    appeal = torch.tanh(1.5 * audio @ w1) @ w2
    return audio, F.normalize(appeal, dim=1)


def make_plays(style, gen):
    groups = F.normalize(torch.randn(12, LATENT, generator=gen), dim=1)
    member = torch.randint(0, 12, (N_USERS,), generator=gen)
    taste = F.normalize(groups[member] + 0.15 * torch.randn(N_USERS, LATENT, generator=gen), dim=1)
    prob = torch.softmax(7.0 * taste @ style.T, dim=1)
    tracks = torch.multinomial(prob, PLAYS_PER_USER, replacement=False, generator=gen)
    profile = torch.cat([F.one_hot(member % 4, 4).float(), torch.rand(N_USERS, 2, generator=gen)], dim=1)
    return profile, tracks


class UserTower(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.emb = nn.Embedding(N_USERS, dim)
        nn.init.normal_(self.emb.weight, std=0.1)
        self.side = nn.Linear(6, dim)

    def forward(self, uid, profile):
        return F.normalize(self.emb(uid) + self.side(profile), dim=1)


class TrackTower(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(AUDIO, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, audio):
        return F.normalize(self.mlp(audio), dim=1)


class Retriever(nn.Module):
    def __init__(self, audio, dim=16, temperature=0.12):
        super().__init__()
        self.users, self.tracks = UserTower(dim), TrackTower(dim)
        self.register_buffer("audio", audio)
        self.temperature = temperature
        self.index = None

    @torch.no_grad()
    def refresh_index(self):
        """Vectors of the whole catalogue, as the serving side keeps them."""
        self.index = self.tracks(self.audio)

    def logits(self, uid, profile):
        return self.users(uid, profile) @ self.index.T / self.temperature

    @torch.no_grad()
    def search(self, uid, profile, seen, k):
        scores = self.users(uid, profile) @ self.index.T
        scores.scatter_(1, seen, -torch.inf)
        return scores.topk(k, dim=1).indices


def recall_at(model, profile, seen, held_out, k=20):
    model.eval()
    model.refresh_index()
    found = model.search(torch.arange(N_USERS), profile, seen, k)
    hits = (found[:, :, None] == held_out[:, None, :]).any(1).float()
    return hits.mean().item()


def train(model, profile, seen, held_out, epochs=9, batch=256, lr=4e-3):
    users = torch.arange(N_USERS).repeat_interleave(seen.shape[1])
    items = seen.flatten()
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs)
    for epoch in range(1, epochs + 1):
        model.train()
        model.refresh_index()
        total = 0.0
        for rows in torch.randperm(len(users)).split(batch):
            u = users[rows]
            loss = F.cross_entropy(model.logits(u, profile[u]), items[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(rows)
        sched.step()
        print(f"epoch {epoch:2d}  loss {total / len(users):.4f}  recall@20 {recall_at(model, profile, seen, held_out):.4f}")


def main():
    torch.manual_seed(17)
    gen = torch.Generator().manual_seed(17)
    audio, style = make_catalogue(gen)
    profile, tracks = make_plays(style, gen)
    seen, held_out = tracks[:, :9], tracks[:, 9:]
    model = Retriever(audio)
    print(f"before training: recall@20 {recall_at(model, profile, seen, held_out):.4f}")
    train(model, profile, seen, held_out)


if __name__ == "__main__":
    main()
