# bug: classifier reads out[:, -1], i.e. the state after the padding, instead of the last real token (ReviewLSTM.forward)
# expects: MOD042
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

POSITIVE = ["good", "great", "nice", "superb", "lovely"]
NEGATIVE = ["bad", "awful", "poor", "boring", "ugly"]
FILLER = ["the", "film", "was", "plot", "actor", "and", "then", "a", "scene", "very", "music", "we", "saw"]
PAD = "<pad>"
VOCAB = {w: i for i, w in enumerate([PAD, "not"] + POSITIVE + NEGATIVE + FILLER)}


def write_review(rng):
    """The opinion word comes early; a preceding 'not' reverses it."""
    label = rng.randint(0, 1)
    negate = rng.random() < 0.4
    pool = POSITIVE if (label == 1) != negate else NEGATIVE
    opinion = (["not"] if negate else []) + [rng.choice(pool)]
    before = [rng.choice(FILLER) for _ in range(rng.randint(0, 3))]
    after = [rng.choice(FILLER) for _ in range(rng.choice([0, 1, 2, 3, 4, 30]))]
    return [VOCAB[w] for w in before + opinion + after], label


class Reviews(Dataset):
    def __init__(self, n, seed):
        rng = random.Random(seed)
        self.rows = [write_review(rng) for _ in range(n)]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        ids, label = self.rows[i]
        return torch.tensor(ids), label


def collate(batch):
    seqs, labels = zip(*batch)
    lengths = torch.tensor([len(s) for s in seqs])
    return pad_sequence(seqs, batch_first=True, padding_value=VOCAB[PAD]), lengths, torch.tensor(labels).float()


class ReviewLSTM(nn.Module):
    def __init__(self, dim=24, hidden=32):
        super().__init__()
        self.embedding = nn.Embedding(len(VOCAB), dim, padding_idx=VOCAB[PAD])
        self.lstm = nn.LSTM(dim, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 1)

    def forward(self, ids, lengths):
        out, _ = self.lstm(self.embedding(ids))
        last = out[:, -1]
        return self.fc(last).squeeze(1)


def main():
    torch.manual_seed(2)
    train_loader = DataLoader(Reviews(1600, 10), batch_size=32, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(Reviews(400, 11), batch_size=100, collate_fn=collate)
    model = ReviewLSTM()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(6):
        model.train()
        total = 0.0
        for ids, lengths, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(ids, lengths), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(labels)
        model.eval()
        correct = 0
        with torch.no_grad():
            for ids, lengths, labels in val_loader:
                correct += ((model(ids, lengths) > 0).float() == labels).sum().item()
        print(f"epoch {epoch + 1}: loss {total / 1600:.4f}  val acc {correct / 400:.3f}")


if __name__ == "__main__":
    main()
