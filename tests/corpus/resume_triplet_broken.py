# bug: on resume the optimizer is built on one model instance, then a fresh instance is created and loaded, so training after resume updates the wrong parameters (resume)
# expects: OPT002
import os
import tempfile

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

digits = load_digits()
X_train, X_test, y_train, y_test = (
    torch.as_tensor(a) for a in train_test_split(
        digits.data.astype("float32") / 16, digits.target, test_size=0.3, random_state=0, stratify=digits.target))


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 16))

    def forward(self, x):
        return nn.functional.normalize(self.net(x), dim=1)


by_class = [torch.nonzero(y_train == c).squeeze(1) for c in range(10)]


def sample_triplets(n):
    pos_class = torch.randint(0, 10, (n,))
    neg_class = (pos_class + torch.randint(1, 10, (n,))) % 10
    pick = lambda c: by_class[c][torch.randint(0, len(by_class[c]), ())]
    anchor = torch.stack([pick(c) for c in pos_class.tolist()])
    positive = torch.stack([pick(c) for c in pos_class.tolist()])
    negative = torch.stack([pick(c) for c in neg_class.tolist()])
    return X_train[anchor], X_train[positive], X_train[negative]


def nearest_neighbour_accuracy(model):
    model.eval()
    with torch.no_grad():
        centroids = torch.stack([model(X_train[i]).mean(0) for i in by_class])
        guess = torch.cdist(model(X_test), centroids).argmin(1)
    return (guess == y_test).float().mean().item()


def train(model, optimizer, first, last):
    criterion = nn.TripletMarginLoss(margin=0.5)
    window = []
    for step in range(first, last):
        model.train()
        a, p, n = sample_triplets(32)
        loss = criterion(model(a), model(p), model(n))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        window.append(loss.item())
        if (step + 1) % 60 == 0:
            print(f"step {step + 1} triplet loss {sum(window) / len(window):.4f} "
                  f"accuracy {nearest_neighbour_accuracy(model):.3f}")
            window = []


def save(path, model, optimizer, step):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, path)


def resume(path):
    ckpt = torch.load(path, weights_only=True)
    model = Embedder()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    optimizer.load_state_dict(ckpt["optimizer"])
    model = Embedder()
    model.load_state_dict(ckpt["model"])
    return model, optimizer, ckpt["step"]


def main():
    torch.manual_seed(0)
    path = os.path.join(tempfile.mkdtemp(), "last.pt")
    model = Embedder()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    train(model, optimizer, 0, 60)
    save(path, model, optimizer, 60)

    model, optimizer, step = resume(path)
    print(f"resumed from step {step}")
    train(model, optimizer, step, 480)


if __name__ == "__main__":
    main()
