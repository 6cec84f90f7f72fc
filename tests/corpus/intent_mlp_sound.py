# sound: the same program without that
"""Intent classification of short commands (bag of character n-grams + MLP)."""
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F


def build_corpus(n, gen):
    intents = {
        0: ["play", "song", "music", "album", "artist", "track"],
        1: ["weather", "rain", "forecast", "sunny", "degrees", "storm"],
        2: ["alarm", "wake", "morning", "timer", "remind", "snooze"],
        3: ["call", "phone", "dial", "contact", "voicemail", "ring"],
        4: ["book", "table", "restaurant", "dinner", "reserve", "guests"],
        5: ["route", "drive", "traffic", "map", "street", "home"],
        6: ["buy", "order", "price", "cart", "ship", "discount"],
        7: ["lights", "lamp", "dim", "heating", "switch", "kitchen"],
    }
    filler = "please can you the a for me now tomorrow to my in at with some today want i would like".split()
    texts, labels = [], []
    for _ in range(n):
        k = int(torch.randint(8, (1,), generator=gen))
        words = []
        for _ in range(int(torch.randint(5, 9, (1,), generator=gen))):
            r = float(torch.rand(1, generator=gen))
            if r < 0.35:
                pool = intents[k]
            elif r < 0.45:
                pool = intents[int(torch.randint(8, (1,), generator=gen))]
            else:
                pool = filler
            words.append(pool[int(torch.randint(len(pool), (1,), generator=gen))])
        texts.append(" ".join(words))
        labels.append(k)
    return texts, torch.tensor(labels)


def featurize(texts, dim):
    out = torch.zeros(len(texts), dim)
    for i, t in enumerate(texts):
        s = f" {t} "
        for j in range(len(s) - 2):
            h = 0
            for c in s[j:j + 3]:
                h = (h * 131 + ord(c)) % 1000003
            out[i, h % dim] += 1
    return F.normalize(out, dim=1)


class IntentNet(nn.Module):
    def __init__(self, dim, hidden, n_classes):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, n_classes)
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        x = self.drop(F.relu(self.fc1(x)))
        x = self.drop(F.relu(self.fc2(x)))
        return self.out(x)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--bs", type=int, default=64)
    p.add_argument("--lr", type=float, default=0.1)
    p.add_argument("--dim", type=int, default=1024)
    p.add_argument("--seed", type=int, default=3)
    args = p.parse_args()
    torch.manual_seed(args.seed)
    gen = torch.Generator().manual_seed(args.seed)
    texts, labels = build_corpus(5000, gen)
    feats = featurize(texts, args.dim)
    xtr, ytr, xva, yva = feats[:4000], labels[:4000], feats[4000:], labels[4000:]

    model = IntentNet(args.dim, 128, 8)
    opt = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, nesterov=True)
    loss_fn = nn.CrossEntropyLoss()
    for ep in range(args.epochs):
        model.train()
        total = 0.0
        perm = torch.randperm(len(xtr))
        for idx in perm.split(args.bs):
            opt.zero_grad()
            loss = loss_fn(model(xtr[idx]), ytr[idx])
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            out = model(xva)
            vl = loss_fn(out, yva).item()
            acc = (out.argmax(1) == yva).float().mean().item()
        print(f"[{ep:02d}] train {total / len(xtr):.4f} val {vl:.4f} acc {acc:.3f}")


if __name__ == "__main__":
    main()
