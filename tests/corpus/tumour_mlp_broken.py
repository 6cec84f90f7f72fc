# bug: A classifier collapses to predicting one single class for every input (choose a real cause of your own): the raw, unscaled features are passed on instead of the scaled ones, and the ReLU units die.
# expects: DAT002
# Breast cancer: benign or malignant?  Kaggle-style baseline.
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

SEED = 1234
np.random.seed(SEED)
torch.manual_seed(SEED)

features, labels = load_breast_cancer(return_X_y=True)
f_train, f_valid, t_train, t_valid = train_test_split(features, labels, test_size=0.2, stratify=labels, random_state=SEED)
scaler = StandardScaler().fit(f_train)
f_train_scaled = scaler.transform(f_train)
f_valid_scaled = scaler.transform(f_valid)

as_float = lambda arr: torch.as_tensor(arr, dtype=torch.float32)
x_train, x_valid = as_float(f_train), as_float(f_valid)
y_train, y_valid = torch.as_tensor(t_train), torch.as_tensor(t_valid)

net = torch.nn.Sequential(
    torch.nn.Linear(30, 32), torch.nn.ReLU(),
    torch.nn.Linear(32, 16), torch.nn.ReLU(),
    torch.nn.Linear(16, 2))
criterion = torch.nn.CrossEntropyLoss()
sgd = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)

for epoch in range(40):
    net.train()
    ep_loss = []
    for chunk in torch.randperm(len(x_train)).split(32):
        sgd.zero_grad()
        loss = criterion(net(x_train[chunk]), y_train[chunk])
        loss.backward()
        sgd.step()
        ep_loss.append(loss.item())
    if epoch % 5 == 4:
        net.eval()
        with torch.no_grad():
            scores = net(x_valid)
        pred = scores.argmax(1)
        print(f"epoch {epoch + 1:3d}  train loss {np.mean(ep_loss):.4f}  valid loss {criterion(scores, y_valid).item():.4f}"
              f"  valid acc {(pred == y_valid).float().mean().item():.4f}")
print(confusion_matrix(y_valid, pred, labels=[0, 1]))
