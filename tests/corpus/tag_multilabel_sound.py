# sound
import torch
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score
from torch import nn


class TagNet(nn.Module):
    """Predicts which of the tags apply to a bag-of-words document."""

    def __init__(self, n_words, n_tags, hidden=96):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(n_words, hidden), nn.ReLU(), nn.Dropout(0.1))
        self.classifier = nn.Linear(hidden, n_tags)

    def forward(self, x):
        return self.classifier(self.encoder(x))


def get_data(seed):
    X, Y = make_multilabel_classification(
        n_samples=3000, n_features=60, n_classes=8, n_labels=2, length=60, random_state=seed)
    X = torch.tensor(X, dtype=torch.float32)
    X = torch.log1p(X)
    Y = torch.tensor(Y, dtype=torch.float32)
    train_x, test_x = X[:2400], X[2400:]
    mean, std = train_x.mean(0), train_x.std(0)
    return (train_x - mean) / std, Y[:2400], (test_x - mean) / std, Y[2400:]


def main():
    torch.manual_seed(13)
    x, y, xt, yt = get_data(13)
    model = TagNet(x.shape[1], y.shape[1])
    criterion = nn.BCEWithLogitsLoss()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        model.train()
        losses = 0.0
        for idx in torch.randperm(len(x)).split(40):
            out = model(x[idx])
            loss = criterion(out, y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            probs = torch.sigmoid(model(xt))
        f1 = f1_score(yt.numpy(), (probs > 0.5).numpy(), average="micro", zero_division=0)
        print(f"epoch {epoch} loss {losses / len(x):.4f} test micro-F1 {f1:.3f}")


if __name__ == "__main__":
    main()
