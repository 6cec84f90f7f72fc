# expects: nothing
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from accelerate import Accelerator
from accelerate.utils import set_seed
from sklearn.metrics import accuracy_score, roc_auc_score
from torch.utils.data import DataLoader, TensorDataset

CATS = ["shop", "category", "carrier"]
NUMS = ["price", "discount", "delivery_days", "past_orders"]


def export_orders(n=9000, seed=77):
    """An export as it comes from the shops' order systems."""
    rng = np.random.default_rng(seed)
    df = pd.DataFrame({
        "shop": rng.choice(["berlin", "lyon", "porto", "gdansk", "turin", "malmo"], n),
        "category": rng.choice(["shoes", "dress", "book", "lamp", "toy", "phone", "coat"], n),
        "carrier": rng.choice(["north", "swift", "blue"], n, p=[0.5, 0.3, 0.2]),
        "price": rng.gamma(2.5, 22.0, n).round(2),
        "discount": rng.choice([0, 5, 10, 20, 40], n),
        "delivery_days": 1 + rng.poisson(2.5, n),
        "past_orders": rng.poisson(4.0, n),
    })
    fashion = df["category"].isin(["shoes", "dress", "coat"])
    score = (
        2.6 * fashion - 1.4 + 0.55 * (df["delivery_days"] - 3.5)
        - 0.02 * (df["price"] - 55) * np.where(fashion, -1, 1)
        + 0.04 * df["discount"] - 0.15 * (df["past_orders"] - 4)
        + 0.8 * ((df["carrier"] == "blue") & (df["category"] == "lamp"))
    )
    returned = rng.random(n) < 1 / (1 + np.exp(-1.5 * score))
    spelling = rng.choice(3, n, p=[0.70, 0.27, 0.03])
    yes = np.array(["Yes", "YES", "yes"])[spelling]
    no = np.array(["No", "NO", "no"])[spelling]
    df["returned"] = np.where(returned, yes, no)
    return df


def prepare(df, seed=0):
    df = df.sample(frac=1.0, random_state=seed).reset_index(drop=True)
    target = (df["returned"].str.lower() == "yes").astype("float32")
    codes = np.stack([df[c].astype("category").cat.codes.to_numpy() for c in CATS], axis=1)
    numbers = df[NUMS].to_numpy(dtype="float32")
    cut = int(0.8 * len(df))
    mean, std = numbers[:cut].mean(0), numbers[:cut].std(0)
    tensors = (
        torch.tensor(codes, dtype=torch.long),
        torch.tensor((numbers - mean) / std),
        torch.tensor(target.to_numpy()),
    )
    sizes = [df[c].nunique() for c in CATS]
    return TensorDataset(*(t[:cut] for t in tensors)), TensorDataset(*(t[cut:] for t in tensors)), sizes


class ReturnNet(nn.Module):
    def __init__(self, sizes, n_numbers, width=96):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(s, 6) for s in sizes)
        self.mlp = nn.Sequential(
            nn.Linear(6 * len(sizes) + n_numbers, width), nn.ReLU(), nn.Dropout(0.1),
            nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.1),
            nn.Linear(width, 1),
        )

    def forward(self, codes, numbers):
        parts = [table(codes[:, i]) for i, table in enumerate(self.tables)]
        return self.mlp(torch.cat([*parts, numbers], dim=1)).squeeze(1)


def evaluate(model, loader):
    model.eval()
    probs, truth = [], []
    with torch.no_grad():
        for codes, numbers, y in loader:
            probs.append(torch.sigmoid(model(codes, numbers)))
            truth.append(y)
    probs, truth = torch.cat(probs).numpy(), torch.cat(truth).numpy()
    return accuracy_score(truth, probs > 0.5), roc_auc_score(truth, probs)


def main():
    set_seed(5)
    accelerator = Accelerator(cpu=True)
    train, test, sizes = prepare(export_orders())
    model = ReturnNet(sizes, len(NUMS))
    optimizer = torch.optim.NAdam(model.parameters(), lr=1e-3)
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    test_loader = DataLoader(test, batch_size=256)
    model, optimizer, train_loader, test_loader = accelerator.prepare(model, optimizer, train_loader, test_loader)
    criterion = nn.BCEWithLogitsLoss()

    for epoch in range(1, 13):
        model.train()
        total = 0.0
        for codes, numbers, y in train_loader:
            loss = criterion(model(codes, numbers), y)
            optimizer.zero_grad()
            accelerator.backward(loss)
            optimizer.step()
            total += loss.item() * len(y)
        if epoch % 3 == 0:
            acc, auc = evaluate(model, test_loader)
            accelerator.print(f"epoch {epoch:2d} loss {total / len(train):.4f} test accuracy {acc:.4f} auc {auc:.3f}")


if __name__ == "__main__":
    main()
