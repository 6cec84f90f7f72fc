# sound: the classifier reads the output at each sequence's own last step
"""Is the last word of the command a verb of motion? Sequences of very different length."""
import random

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

N_WORDS, N_CLASSES = 30, 5


class Commands(Dataset):
    def __init__(self, n, seed):
        rng = random.Random(seed)
        self.rows = []
        for _ in range(n):
            length = rng.choice([3, 4, 5, 6, 8, 40])
            words = [rng.randint(1, N_WORDS) for _ in range(length)]
            self.rows.append((torch.tensor(words), words[-1] % N_CLASSES))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def collate(rows):
    words, labels = zip(*rows)
    lengths = torch.tensor([len(w) for w in words])
    return pad_sequence(words, batch_first=True), lengths, torch.tensor(labels)


class CommandRNN(nn.Module):
    def __init__(self, dim=12, hidden=20):
        super().__init__()
        self.embedding = nn.Embedding(N_WORDS + 1, dim)
        self.rnn = nn.RNN(dim, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, N_CLASSES)

    def forward(self, x, lengths):
        out, _ = self.rnn(self.embedding(x))
        last = out[torch.arange(len(x)), lengths - 1]
        return self.fc(last)


def main():
    torch.manual_seed(0)
    train = DataLoader(Commands(1200, 0), batch_size=32, shuffle=True, collate_fn=collate)
    test = DataLoader(Commands(300, 1), batch_size=100, collate_fn=collate)
    model = CommandRNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for epoch in range(8):
        model.train()
        total = 0.0
        for x, lengths, y in train:
            loss = nn.functional.cross_entropy(model(x, lengths), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            hits = sum((model(x, n).argmax(1) == y).sum().item() for x, n, y in test)
        print(f"epoch {epoch}: loss {total / len(train):.4f} test accuracy {hits / 300:.3f}")


if __name__ == "__main__":
    main()
