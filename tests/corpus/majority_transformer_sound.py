# sound
"""Decide which of the two marker tokens occurs more often in a sequence."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VOCAB, LENGTH = 20, 16


def make_sequences(n, seed):
    g = torch.Generator().manual_seed(seed)
    tokens = torch.randint(2, VOCAB, (n, LENGTH), generator=g)
    label = torch.randint(0, 2, (n,), generator=g)
    major = torch.randint(3, 7, (n,), generator=g)
    minor = (major - torch.randint(1, 3, (n,), generator=g)).clamp(min=0)
    for i in range(n):
        perm = torch.randperm(LENGTH, generator=g)
        a = int(major[i])
        b = int(minor[i])
        tokens[i, perm[:a]] = label[i]
        tokens[i, perm[a:a + b]] = 1 - label[i]
    return tokens, label


class SequenceClassifier(nn.Module):
    def __init__(self, d_model=32, heads=4, layers=2):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, d_model)
        self.pos = nn.Parameter(torch.randn(1, LENGTH + 1, d_model) * 0.02)
        self.cls = nn.Parameter(torch.randn(1, 1, d_model) * 0.02)
        layer = nn.TransformerEncoderLayer(
            d_model, heads, dim_feedforward=64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=layers, enable_nested_tensor=False)
        self.head = nn.Linear(d_model, 2)

    def forward(self, tokens):
        x = self.embed(tokens)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1) + self.pos
        x = self.encoder(x)
        return self.head(x[:, 0])


def main():
    torch.manual_seed(21)
    train = DataLoader(TensorDataset(*make_sequences(2000, 1)), batch_size=64, shuffle=True, drop_last=True)
    val_x, val_y = make_sequences(400, 2)
    model = SequenceClassifier()
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(8):
        model.train()
        total, batches = 0.0, 0
        for tokens, label in train:
            loss = loss_fn(model(tokens), label)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
            batches += 1
        model.eval()
        with torch.no_grad():
            acc = (model(val_x).argmax(1) == val_y).float().mean().item()
        print(f"epoch {epoch}: train loss {total / batches:.3f}, val accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
