# bug: the warm-up scheduler is created but never stepped, so the learning rate stays at its tiny first value
# expects: OPT009
"""Which token is the most frequent? A transformer encoder with linear warm-up."""
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

VOCAB, T = 6, 15
TOTAL, WARMUP = 300, 60


def sample(n):
    bias = torch.rand(n, VOCAB) + 0.8 * torch.nn.functional.one_hot(torch.randint(0, VOCAB, (n,)), VOCAB)
    x = torch.multinomial(bias / bias.sum(1, keepdim=True), T, replacement=True)
    counts = nn.functional.one_hot(x, VOCAB).sum(1).float()
    return x, (counts + 0.01 * torch.arange(VOCAB)).argmax(1)


class Counter(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, d)
        layer = nn.TransformerEncoderLayer(d, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=1)
        self.head = nn.Linear(d, VOCAB)

    def forward(self, x):
        return self.head(self.encoder(self.embed(x)).mean(1))


def lr_lambda(step):
    if step < WARMUP:
        return (step + 1) / (WARMUP * 10) if step == 0 else step / WARMUP
    return max(0.05, (TOTAL - step) / (TOTAL - WARMUP))


def main():
    torch.manual_seed(21)
    model = Counter()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    scheduler = LambdaLR(optimizer, lr_lambda)
    xv, yv = sample(512)
    for step in range(TOTAL):
        model.train()
        x, y = sample(64)
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 60 == 59:
            model.eval()
            with torch.no_grad():
                acc = (model(xv).argmax(1) == yv).float().mean()
            print(f"step {step + 1}: loss {loss.item():.4f} val acc {acc:.3f}")
    print(scheduler.get_last_lr())


if __name__ == "__main__":
    main()
