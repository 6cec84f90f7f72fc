# expects: nothing
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset

SEED = 29


def applicants(n=6000):
    rng = np.random.default_rng(SEED)
    income = rng.lognormal(10.4, 0.5, n)
    debt = rng.gamma(2.0, 0.18, n)
    age = rng.uniform(20, 70, n)
    late = rng.poisson(0.8, n)
    years = rng.exponential(5, n)
    noise = rng.normal(size=(n, 14))
    z = (-1.0 + 2.2 * debt + 0.55 * late - 0.9 * (np.log(income) - 10.4) - 0.07 * years
         + 0.8 * np.sin(age / 8.0) + 0.5 * noise[:, 0] * noise[:, 1])
    y = rng.random(n) < 1 / (1 + np.exp(-z))
    x = np.column_stack([np.log(income), debt, age, late, years, noise])
    return x.astype(np.float32), y.astype(np.float32)


def loaders():
    x, y = applicants()
    x_tr, x_va, y_tr, y_va = train_test_split(x, y, test_size=0.2, stratify=y, random_state=SEED)
    scaler = StandardScaler().fit(x_tr)
    pack = lambda a, b: TensorDataset(torch.from_numpy(scaler.transform(a)), torch.from_numpy(b))
    return (DataLoader(pack(x_tr, y_tr), batch_size=64, shuffle=True),
            DataLoader(pack(x_va, y_va), batch_size=64))


def make_model(n_in):
    layers, width = [], n_in
    for h in (192, 192, 96):
        layers += [nn.Linear(width, h), nn.LayerNorm(h), nn.SiLU(), nn.Dropout(0.3)]
        width = h
    return nn.Sequential(*layers, nn.Linear(width, 1))


def run_epoch(model, loader, criterion, optimizer, train):
    model.train(train)
    total, scores, labels = 0.0, [], []
    with torch.set_grad_enabled(train):
        for x, y in loader:
            logit = model(x).squeeze(1)
            loss = criterion(logit, y)
            if train:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(y)
            scores.append(logit.detach())
            labels.append(y)
    auc = roc_auc_score(torch.cat(labels).numpy(), torch.cat(scores).numpy())
    return total / len(loader.dataset), auc


def main():
    torch.manual_seed(SEED)
    train_loader, valid_loader = loaders()
    model = make_model(train_loader.dataset.tensors[0].shape[1])
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.NAdam(model.parameters(), lr=4e-4, weight_decay=1e-3)
    for epoch in range(1, 13):
        tr_loss, tr_auc = run_epoch(model, train_loader, criterion, optimizer, train=True)
        va_loss, va_auc = run_epoch(model, valid_loader, criterion, optimizer, train=False)
        print(f"epoch {epoch:02d} | train loss {tr_loss:.4f} auc {tr_auc:.4f} | valid loss {va_loss:.4f} auc {va_auc:.4f}")
    print(f"final validation AUC {va_auc:.4f}")


if __name__ == "__main__":
    main()
