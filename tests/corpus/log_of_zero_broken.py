# bug: hand-written cross-entropy takes log(0) once the softmax saturates, 0 * -inf gives NaN
# expects: NUM001
# Neural network from (nearly) scratch: own layers, own loss, torch only for autograd.
import torch
from sklearn.datasets import load_wine

torch.manual_seed(15)
wine = load_wine()
X = torch.tensor(wine.data, dtype=torch.float32)
X = (X - X.mean(0)) / X.std(0)
Y = torch.nn.functional.one_hot(torch.tensor(wine.target)).float()
order = torch.randperm(len(X))
X_train, Y_train = X[order[:140]], Y[order[:140]]
X_test, Y_test = X[order[140:]], Y[order[140:]]


class Dense(torch.nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.W = torch.nn.Parameter(torch.randn(n_in, n_out) * (2 / n_in) ** 0.5)
        self.b = torch.nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return x @ self.W + self.b


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.d1 = Dense(13, 32)
        self.d2 = Dense(32, 3)

    def forward(self, x):
        return self.d2(self.d1(x).clamp(min=0)) * 40.0


def softmax(z):
    e = torch.exp(z - z.max(dim=1, keepdim=True).values)
    return e / e.sum(dim=1, keepdim=True)


def cross_entropy(z, y):
    p = softmax(z)
    return -(y * torch.log(p)).sum(dim=1).mean()


net = Network()
optimizer = torch.optim.SGD(net.parameters(), lr=0.001)
for epoch in range(25):
    perm = torch.randperm(len(X_train))
    for k in range(0, len(perm), 10):
        idx = perm[k:k + 10]
        loss = cross_entropy(net(X_train[idx]), Y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            acc = (net(X_test).argmax(1) == Y_test.argmax(1)).float().mean().item()
        print('epoch', epoch + 1, 'loss', loss.item(), 'test accuracy', acc)
