# expects: nothing
"""Intent classification of support tickets (token ids), small transformer encoder, best checkpoint by macro F1."""
import copy

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassF1Score

VOCAB, LENGTH, INTENTS = 400, 24, 6
PAD = 0


def tickets(n, g, noise):
    """Two keywords of the intent and one stray keyword in filler words; a share of the labels is mistyped."""
    x = torch.randint(100, VOCAB, (n, LENGTH), generator=g)
    y = torch.randint(0, INTENTS, (n,), generator=g)
    lengths = torch.randint(12, LENGTH + 1, (n,), generator=g)
    for i in range(n):
        spots = torch.randperm(int(lengths[i]), generator=g)[:3]
        words = torch.randint(0, 15, (3,), generator=g)
        stray = torch.randint(0, INTENTS, (1,), generator=g)
        x[i, spots] = 1 + 15 * torch.cat([y[i].repeat(2), stray]) + words
        x[i, lengths[i]:] = PAD
    wrong = torch.rand(n, generator=g) < noise
    y[wrong] = torch.randint(0, INTENTS, (int(wrong.sum()),), generator=g)
    return TensorDataset(x, y)


class IntentModel(nn.Module):
    def __init__(self, dim=48, heads=4, layers=1):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.pos = nn.Embedding(LENGTH, dim)
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.1, batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(dim, INTENTS)

    def forward(self, x):
        pad = x == PAD
        h = self.tok(x) + self.pos(torch.arange(x.shape[1]))
        h = self.enc(h, src_key_padding_mask=pad)
        h = h.masked_fill(pad[..., None], 0.0).sum(1) / (~pad).sum(1, keepdim=True)
        return self.head(h)


def train_epoch(model, loader, opt):
    model.train()
    total, n = 0.0, 0
    for x, y in loader:
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


@torch.no_grad()
def evaluate(model, loader, metric):
    model.eval()
    metric.reset()
    for x, y in loader:
        metric.update(model(x), y)
    return metric.compute().item()


def main():
    torch.manual_seed(6)
    g = torch.Generator().manual_seed(6)
    train = DataLoader(tickets(3000, g, 0.04), batch_size=50, shuffle=True)
    val = DataLoader(tickets(1000, g, 0.0), batch_size=250)
    test = DataLoader(tickets(2000, g, 0.0), batch_size=250)

    model = IntentModel()
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    f1 = MulticlassF1Score(num_classes=INTENTS, average="macro")

    best_f1, best_epoch, best_weights = -1.0, 0, None
    for epoch in range(1, 10):
        loss = train_epoch(model, train, opt)
        score = evaluate(model, val, f1)
        if score > best_f1:
            best_f1, best_epoch = score, epoch
            best_weights = copy.deepcopy(model.state_dict())
        print(f"epoch {epoch:2d}  loss {loss:.4f}  val macro F1 {score:.4f}")
    model.load_state_dict(best_weights)
    print(f"kept epoch {best_epoch} (val macro F1 {best_f1:.4f})")
    print(f"test macro F1 {evaluate(model, test, f1):.4f}")


if __name__ == "__main__":
    main()
