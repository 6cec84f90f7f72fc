# sound
import random

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

PAD = 0
GOOD = ["great", "lovely", "fine", "superb", "fun"]
BAD = ["dull", "awful", "poor", "boring", "weak"]
NEUTRAL = ["the", "film", "was", "a", "plot", "and", "scene", "actor", "story", "with", "very", "music"]
WORDS = GOOD + BAD + NEUTRAL + ["not"]
VOCAB = {w: i + 1 for i, w in enumerate(WORDS)}


def make_review(rng):
    """Sentiment words, some preceded by 'not'; the label is the sign of the summed polarity."""
    while True:
        words, score = [], 0
        for _ in range(rng.randint(3, 8)):
            r = rng.random()
            if r < 0.5:
                words.append(rng.choice(NEUTRAL))
            else:
                pol = rng.choice([1, -1])
                if rng.random() < 0.4:
                    words.append("not")
                    pol, w = -pol, rng.choice(GOOD if pol > 0 else BAD)
                else:
                    w = rng.choice(GOOD if pol > 0 else BAD)
                words.append(w)
                score += pol
        if score != 0:
            return torch.tensor([VOCAB[w] for w in words]), int(score > 0)


def collate(batch):
    tokens = pad_sequence([t for t, _ in batch], batch_first=True, padding_value=PAD)
    tokens = nn.functional.pad(tokens, (0, 1), value=PAD)
    return tokens, torch.tensor([y for _, y in batch])


class TextTransformer(nn.Module):
    def __init__(self, vocab_size, dim=32):
        super().__init__()
        self.emb = nn.Embedding(vocab_size, dim, padding_idx=PAD)
        self.pos = nn.Parameter(torch.randn(1, 24, dim) * 0.1)
        layer = nn.TransformerEncoderLayer(dim, nhead=4, dim_feedforward=64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=1, enable_nested_tensor=False)
        self.head = nn.Linear(dim, 2)

    def forward(self, tokens):
        real = tokens != PAD
        h = self.emb(tokens) + self.pos[:, :tokens.shape[1]]
        h = self.encoder(h, src_key_padding_mask=~real)
        weight = real.unsqueeze(-1).float()
        return self.head((h * weight).sum(1) / weight.sum(1))


rng = random.Random(0)
torch.manual_seed(0)
train_loader = DataLoader([make_review(rng) for _ in range(4000)], batch_size=40, shuffle=True, collate_fn=collate)
test_loader = DataLoader([make_review(rng) for _ in range(400)], batch_size=100, collate_fn=collate)
model = TextTransformer(len(VOCAB) + 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(6):
    model.train()
    total = 0.0
    for tokens, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(tokens), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    model.eval()
    hits = 0
    with torch.no_grad():
        for tokens, labels in test_loader:
            hits += (model(tokens).argmax(-1) == labels).sum().item()
    print(f"epoch {epoch}: loss {total / len(train_loader):.4f}, test acc {hits / 400:.3f}")
