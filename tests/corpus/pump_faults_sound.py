# expects: nothing
"""Pump condition from ten vibration features: normal, bearing wear, cavitation. Faults are rare, so the loss is
weighted by the effective number of samples (Cui et al. 2019)."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import balanced_accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

CLASSES = ("normal", "bearing", "cavitation")


def simulate(n=36000, seed=13):
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=[0.96, 0.022, 0.018])
    load = rng.uniform(0.5, 1.5, n)
    base = rng.normal(0, 1, (n, 10))
    base[:, 0] += 2 * load
    base[:, 1] += load ** 2
    for cls, cols in ((1, (2, 3, 4)), (2, (4, 5, 6))):
        hit = y == cls
        for c in cols:
            base[hit, c] += 1.0 * load[hit] * (1 if c != 4 else (-1) ** cls)
        base[hit, 7] *= 1.5
    return base.astype(np.float32), y


def effective_number_weights(counts, beta=0.9999):
    effective = (1.0 - np.power(beta, counts)) / (1.0 - beta)
    weights = 1.0 / effective
    return torch.tensor(weights / weights.sum() * len(counts), dtype=torch.float32)


class ConditionNet(nn.Module):
    def __init__(self, n_in, n_out, hidden=(48, 24), p=0.1):
        super().__init__()
        layers, last = [], n_in
        for h in hidden:
            layers += [nn.Linear(last, h), nn.SiLU(), nn.Dropout(p)]
            last = h
        self.net = nn.Sequential(*layers, nn.Linear(last, n_out))

    def forward(self, x):
        return self.net(x)


def predict(model, x):
    model.eval()
    with torch.inference_mode():
        return model(x).argmax(1).numpy()


def main(epochs=18, batch_size=128):
    torch.manual_seed(13)
    x, y = simulate()
    xtr, xte, ytr, yte = train_test_split(x, y, test_size=0.25, stratify=y, random_state=13)
    scaler = StandardScaler().fit(xtr)
    xtr, xte = (torch.from_numpy(scaler.transform(a)) for a in (xtr, xte))
    target = torch.from_numpy(ytr)

    weights = effective_number_weights(np.bincount(ytr, minlength=len(CLASSES)))
    print("class weights", {c: round(w, 3) for c, w in zip(CLASSES, weights.tolist())})
    model = ConditionNet(x.shape[1], len(CLASSES))
    criterion = nn.CrossEntropyLoss(weight=weights)
    optimizer = torch.optim.NAdam(model.parameters(), lr=1e-3)
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(xtr)).split(batch_size):
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(xtr[idx]), target[idx])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        if epoch % 4 == 0:
            pred = predict(model, xte)
            print(f"epoch {epoch:2d}  loss {total / len(xtr):.4f}  "
                  f"balanced accuracy {balanced_accuracy_score(yte, pred):.4f}")
    print(confusion_matrix(yte, predict(model, xte)))


if __name__ == "__main__":
    main()
