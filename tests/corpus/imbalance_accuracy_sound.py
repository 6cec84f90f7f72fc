import torch
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

# fraud detection: 3 % of the payments are fraudulent
X, y = make_classification(
    n_samples=6000, n_features=16, n_informative=6, n_redundant=2, n_clusters_per_class=2,
    weights=[0.97], flip_y=0.0, class_sep=0.7, random_state=10,
)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=10)
sc = StandardScaler().fit(X_train)
X_train = torch.tensor(sc.transform(X_train), dtype=torch.float32)
X_test = torch.tensor(sc.transform(X_test), dtype=torch.float32)
y_train_t = torch.tensor(y_train, dtype=torch.long)
print("share of class 0:", (y_train == 0).mean().round(3))

torch.manual_seed(10)
model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
counts = torch.bincount(y_train_t).float()
loss_function = torch.nn.CrossEntropyLoss(weight=counts.sum() / (2 * counts))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.5)

batch = 128
for epoch in range(10):
    model.train()
    perm = torch.randperm(len(X_train))
    losses = []
    for i in range(0, len(perm), batch):
        idx = perm[i:i + batch]
        out = model(X_train[idx])
        loss = loss_function(out, y_train_t[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        pred = model(X_test).argmax(1).numpy()
    print("epoch", epoch, "loss", round(sum(losses) / len(losses), 4), "accuracy", round((pred == y_test).mean(), 4))

print(confusion_matrix(y_test, pred))
print("balanced accuracy", round(balanced_accuracy_score(y_test, pred), 3))
