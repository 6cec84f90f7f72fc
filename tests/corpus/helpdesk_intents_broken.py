# bug: stage two fine-tunes on the added intents only, so the launch intents are forgotten (main)
# expects: TRN013
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VOCAB, MAXLEN = 900, 24
LAUNCH_INTENTS = list(range(14))
ADDED_INTENTS = list(range(14, 19))
N_INTENTS = 19


def write_messages(rng, topics, intents, per_intent):
    texts, labels = [], []
    for k in intents:
        for _ in range(per_intent):
            own = rng.choice(VOCAB, MAXLEN, p=topics[k])
            filler = rng.integers(0, VOCAB, MAXLEN)
            texts.append(np.where(rng.random(MAXLEN) < 0.45, own, filler))
            labels.append(k)
    order = rng.permutation(len(labels))
    return TensorDataset(torch.tensor(np.array(texts))[order], torch.tensor(labels)[order])


class IntentNet(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, width)
        self.conv = nn.Conv1d(width, 96, 3, padding=1)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(96, N_INTENTS)

    def forward(self, ids):
        h = torch.relu(self.conv(self.emb(ids).transpose(1, 2)))
        return self.out(self.drop(h.mean(-1)))


@torch.no_grad()
def accuracy(model, dataset):
    model.eval()
    hit = sum((model(x).argmax(1) == y).sum().item() for x, y in DataLoader(dataset, 256))
    return hit / len(dataset)


def fit(model, dataset, epochs, lr, watch, tag):
    loader = DataLoader(dataset, batch_size=64, shuffle=True)
    opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-2)
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for x, y in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
        print(f"[{tag}] epoch {epoch:2d} loss {total / len(dataset):.4f} dev acc {accuracy(model, watch):.3f}")


def main():
    torch.manual_seed(11)
    rng = np.random.default_rng(11)
    topics = rng.dirichlet(np.full(VOCAB, 0.03), size=N_INTENTS)
    launch_train = write_messages(rng, topics, LAUNCH_INTENTS, 300)
    launch_dev = write_messages(rng, topics, LAUNCH_INTENTS, 60)
    added_train = write_messages(rng, topics, ADDED_INTENTS, 300)
    added_dev = write_messages(rng, topics, ADDED_INTENTS, 60)
    final_test = write_messages(rng, topics, LAUNCH_INTENTS + ADDED_INTENTS, 80)

    model = IntentNet()
    fit(model, launch_train, epochs=7, lr=1e-3, watch=launch_dev, tag="launch")

    fit(model, added_train, epochs=8, lr=1e-3, watch=added_dev, tag="release")

    print(f"test accuracy over all {N_INTENTS} intents: {accuracy(model, final_test):.3f}")


if __name__ == "__main__":
    main()
