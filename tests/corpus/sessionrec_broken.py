# expects: MOD028
"""Next-item recommendation from short listening sessions (GRU encoder, dot product with item vectors)."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CONFIG = dict(
    seed=3, items=1200, new_items=300, sessions=2600, length=10, taste=8,
    dim=48, dropout=0.3, batch=64, lr=3e-3, epochs=20, weight_decay=1e-4,
)


def simulate_sessions(c):
    """Sessions follow a slowly drifting taste vector; items have latent styles and Zipf popularity."""
    rng = np.random.default_rng(c["seed"])
    total = c["items"] + c["new_items"]
    style = rng.normal(size=(total, c["taste"]))
    style /= np.linalg.norm(style, axis=1, keepdims=True)
    log_pop = -0.5 * np.log(1 + rng.permutation(total))
    taste = rng.normal(size=(c["sessions"], c["taste"]))
    taste /= np.linalg.norm(taste, axis=1, keepdims=True)
    out = np.zeros((c["sessions"], c["length"]), dtype=np.int64)
    for t in range(c["length"]):
        score = 12.0 * taste @ style.T + log_pop
        gumbel = rng.gumbel(size=score.shape)
        out[:, t] = (score + gumbel).argmax(1)
        taste = 0.8 * taste + 0.2 * style[out[:, t]]
        taste /= np.linalg.norm(taste, axis=1, keepdims=True)
    return torch.from_numpy(out)


class SessionEncoder(nn.Module):
    def __init__(self, n_items, dim, dropout):
        super().__init__()
        self.item_in = nn.Embedding(n_items, dim)
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.project = nn.Linear(dim, dim)
        self.drop = nn.Dropout(dropout)
        self.item_out = nn.Linear(dim, n_items)
        self._init_table(self.item_in, self.item_out)
        self.tie_weights()

    @staticmethod
    def _init_table(emb, out):
        nn.init.normal_(emb.weight, std=0.1)
        nn.init.normal_(out.weight, std=0.1)
        nn.init.zeros_(out.bias)

    def tie_weights(self):
        self.item_out.weight = self.item_in.weight

    def extend_catalogue(self, extra):
        """Append rows for items that were released after the catalogue was frozen."""
        n, dim = self.item_in.weight.shape
        emb, out = nn.Embedding(n + extra, dim), nn.Linear(dim, n + extra)
        self._init_table(emb, out)
        with torch.no_grad():
            emb.weight[:n] = self.item_in.weight
            out.weight[:n] = self.item_out.weight
            out.bias[:n] = self.item_out.bias
        self.item_in, self.item_out = emb, out

    def forward(self, seq):
        x = self.drop(self.item_in(seq))
        h, _ = self.gru(x)
        return self.item_out(self.drop(self.project(h) + x))


def train_epoch(model, data, opt, batch):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(data)).split(batch):
        seq = data[idx]
        logits = model(seq[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), seq[:, 1:].flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        total += loss.item() * len(idx)
    return total / len(data)


@torch.no_grad()
def evaluate(model, data):
    model.eval()
    logits = model(data[:, :-1])[:, -1]
    target = data[:, -1:]
    rank = (logits > logits.gather(1, target)).sum(1) + 1
    loss = F.cross_entropy(logits, target.squeeze(1)).item()
    return loss, (rank <= 20).float().mean().item(), (1.0 / rank).mean().item()


def main(c):
    torch.manual_seed(c["seed"])
    data = simulate_sessions(c)
    cut = int(0.8 * len(data))
    train, valid = data[:cut], data[cut:]
    model = SessionEncoder(c["items"], c["dim"], c["dropout"])
    model.extend_catalogue(c["new_items"])
    opt = torch.optim.AdamW(model.parameters(), lr=c["lr"], weight_decay=c["weight_decay"])
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, c["epochs"])
    print(f"{len(train)} training sessions, {c['items'] + c['new_items']} items, "
          f"{sum(p.numel() for p in model.parameters())} parameters")
    for epoch in range(c["epochs"]):
        loss = train_epoch(model, train, opt, c["batch"])
        sched.step()
        if (epoch + 1) % 2 == 0:
            vloss, recall, mrr = evaluate(model, valid)
            print(f"epoch {epoch + 1:2d}  train {loss:.3f}  valid {vloss:.3f}  "
                  f"recall@20 {recall:.3f}  mrr {mrr:.3f}")


if __name__ == "__main__":
    main(CONFIG)
