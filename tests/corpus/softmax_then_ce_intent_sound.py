# sound: intent classifier on bags of words, logits to F.cross_entropy
"""Intent classification for a made-up chat bot with an EmbeddingBag."""
import random

import torch
import torch.nn.functional as F
from torch import nn

INTENTS = {
    "weather": ["rain", "sun", "cold", "forecast", "umbrella", "degrees"],
    "music": ["play", "song", "album", "volume", "artist", "playlist"],
    "alarm": ["wake", "alarm", "timer", "minutes", "snooze", "clock"],
    "mail": ["mail", "send", "inbox", "reply", "letter", "attach"],
    "food": ["pizza", "order", "deliver", "burger", "menu", "hungry"],
    "travel": ["flight", "train", "ticket", "hotel", "book", "airport"],
}
FILLER = "please can you the a to me for now today tomorrow my i want need set get some".split()
WORDS = FILLER + [w for ws in INTENTS.values() for w in ws]
WORD_ID = {w: i for i, w in enumerate(WORDS)}
LABELS = list(INTENTS)


def utterance(rng):
    label = rng.randrange(len(LABELS))
    words = rng.choices(FILLER, k=rng.randint(3, 7)) + rng.choices(INTENTS[LABELS[label]], k=rng.randint(1, 2))
    if rng.random() < 0.2:
        words.append(rng.choice(WORDS))
    rng.shuffle(words)
    return [WORD_ID[w] for w in words], label


def to_batch(samples):
    flat, offsets = [], []
    for ids, _ in samples:
        offsets.append(len(flat))
        flat.extend(ids)
    return torch.tensor(flat), torch.tensor(offsets), torch.tensor([y for _, y in samples])


class IntentNet(nn.Module):
    def __init__(self, dim=20):
        super().__init__()
        self.bag = nn.EmbeddingBag(len(WORDS), dim, mode="mean")
        self.hidden = nn.Linear(dim, 32)
        self.out = nn.Linear(32, len(LABELS))

    def forward(self, ids, offsets):
        h = torch.relu(self.hidden(self.bag(ids, offsets)))
        return self.out(h)


def main():
    rng = random.Random(8)
    torch.manual_seed(8)
    train = [utterance(rng) for _ in range(600)]
    dev = to_batch([utterance(rng) for _ in range(200)])
    net = IntentNet()
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(12):
        rng.shuffle(train)
        net.train()
        seen = 0.0
        for k in range(0, len(train), 24):
            ids, offsets, y = to_batch(train[k:k + 24])
            opt.zero_grad()
            loss = F.cross_entropy(net(ids, offsets), y)
            loss.backward()
            opt.step()
            seen += loss.item()
        net.eval()
        with torch.no_grad():
            acc = (net(dev[0], dev[1]).argmax(1) == dev[2]).float().mean().item()
        print(f"epoch {epoch} loss {seen / 25:.4f} dev accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
