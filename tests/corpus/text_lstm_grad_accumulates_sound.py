# sound: LSTM text classifier, gradients cleared through model.zero_grad()
"""Toy sentiment classification with an LSTM on generated sentences."""
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

random.seed(13)
torch.manual_seed(13)

GOOD = "great lovely superb fine nice brilliant happy moving warm clever".split()
BAD = "awful dull poor bad nasty stupid sad boring cold clumsy".split()
NEUTRAL = "the a film movie plot actor scene it was is very and then of in on by story music end".split()
VOCAB = {w: i + 1 for i, w in enumerate(GOOD + BAD + NEUTRAL)}


def make_sentence(label):
    words = random.choices(NEUTRAL, k=random.randint(5, 14))
    source = GOOD if label else BAD
    other = BAD if label else GOOD
    for _ in range(random.randint(1, 3)):
        words.insert(random.randint(0, len(words)), random.choice(source))
    if random.random() < 0.1:
        words.insert(random.randint(0, len(words)), random.choice(other))
    return words


class Reviews(Dataset):
    def __init__(self, n):
        self.items = []
        for _ in range(n):
            y = random.randint(0, 1)
            self.items.append((torch.tensor([VOCAB[w] for w in make_sentence(y)]), y))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    seqs, ys = zip(*batch)
    lengths = torch.tensor([len(s) for s in seqs])
    return pad_sequence(seqs, batch_first=True), lengths, torch.tensor(ys)


class SentimentLSTM(nn.Module):
    def __init__(self, vocab, emb=16, hidden=24):
        super().__init__()
        self.emb = nn.Embedding(vocab + 1, emb, padding_idx=0)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.emb(x), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.out(h[-1])


def evaluate(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for x, n, y in loader:
            right += (model(x, n).argmax(-1) == y).sum().item()
            total += len(y)
    model.train()
    return right / total


train_loader = DataLoader(Reviews(800), batch_size=32, shuffle=True, collate_fn=collate)
test_loader = DataLoader(Reviews(200), batch_size=64, collate_fn=collate)
model = SentimentLSTM(len(VOCAB))
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(8):
    for x, n, y in train_loader:
        model.zero_grad()
        loss = loss_fn(model(x, n), y)
        loss.backward()
        opt.step()
    print(f"epoch {epoch}: last loss {loss.item():.4f}, test acc {evaluate(model, test_loader):.3f}")
