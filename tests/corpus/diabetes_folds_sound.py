# expects: nothing
# 10-fold cross-validation of a small network on the diabetes progression data
import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)


def make_net(n_features):
    return torch.nn.Sequential(
        torch.nn.Linear(n_features, 64),
        torch.nn.Tanh(),
        torch.nn.Dropout(0.1),
        torch.nn.Linear(64, 64),
        torch.nn.Tanh(),
        torch.nn.Linear(64, 1),
    )


def fit(net, opt, x, y, epochs, batch=32):
    net.train()
    ds = torch.utils.data.TensorDataset(x, y)
    dl = torch.utils.data.DataLoader(ds, batch_size=batch, shuffle=True)
    for _ in range(epochs):
        running = 0.0
        for xb, yb in dl:
            opt.zero_grad()
            loss = torch.nn.functional.mse_loss(net(xb)[:, 0], yb)
            loss.backward()
            opt.step()
            running += loss.item() * len(yb)
    return running / len(ds)


def predict(net, x):
    net.eval()
    with torch.no_grad():
        return net(x)[:, 0].numpy()


X, Y = load_diabetes(return_X_y=True)
kf = KFold(n_splits=10, shuffle=True, random_state=42)

oof = np.zeros(len(Y))
fold_r2 = []
for fold, (tr, va) in enumerate(kf.split(X)):
    net = make_net(X.shape[1])
    opt = torch.optim.RMSprop(net.parameters(), lr=7e-4, weight_decay=1e-3)
    sx = StandardScaler().fit(X[tr])
    sy = StandardScaler().fit(Y[tr, None])
    x_tr = torch.tensor(sx.transform(X[tr]), dtype=torch.float32)
    y_tr = torch.tensor(sy.transform(Y[tr, None])[:, 0], dtype=torch.float32)
    x_va = torch.tensor(sx.transform(X[va]), dtype=torch.float32)

    last = fit(net, opt, x_tr, y_tr, epochs=45)
    pred = sy.inverse_transform(predict(net, x_va)[:, None])[:, 0]
    oof[va] = pred
    fold_r2.append(r2_score(Y[va], pred))
    print(f"fold {fold}: train mse {last:.3f}  val r2 {fold_r2[-1]:.3f}")

print(f"mean fold r2 {np.mean(fold_r2):.3f} +- {np.std(fold_r2):.3f}")
print(f"out-of-fold r2 {r2_score(Y, oof):.3f}   rmse {np.sqrt(np.mean((Y - oof) ** 2)):.1f}")
