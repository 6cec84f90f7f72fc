from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
import torch as th
from torch import nn, optim
from torch.utils.data import TensorDataset, DataLoader

N_TAGS = 8


def load(seed=0):
    X, Y = make_multilabel_classification(
        n_samples=2500, n_features=40, n_classes=N_TAGS, n_labels=3,
        length=300, allow_unlabeled=False, random_state=seed)
    Xa, Xb, Ya, Yb = train_test_split(X, Y, test_size=500, random_state=seed)
    m, s = Xa.mean(axis=0), Xa.std(axis=0) + 1e-6
    conv = lambda a: th.tensor(a, dtype=th.float32)
    return conv((Xa - m) / s), conv(Ya), conv((Xb - m) / s), conv(Yb)


class Tagger(nn.Module):
    def __init__(self, d_in, d_out, width=96):
        super().__init__()
        self.fc1 = nn.Linear(d_in, width)
        self.norm = nn.LayerNorm(width)
        self.fc2 = nn.Linear(width, d_out)

    def forward(self, x):
        return self.fc2(th.relu(self.norm(self.fc1(x))))


def fit(net, loader, n_epochs, lr):
    opt = optim.Adam(net.parameters(), lr=lr)
    crit = nn.BCEWithLogitsLoss()
    sched = optim.lr_scheduler.CosineAnnealingLR(opt, n_epochs)
    for e in range(n_epochs):
        net.train()
        acc_loss = 0.
        for bx, by in loader:
            opt.zero_grad()
            l = crit(net(bx), by)
            l.backward()
            opt.step()
            acc_loss += l.item()
        sched.step()
        print('epoch', e, 'loss %.4f' % (acc_loss / len(loader)))


def tags_of(net, x, threshold=0.5):
    net.eval()
    with th.no_grad():
        return (th.sigmoid(net(x)) > threshold).int()


if __name__ == '__main__':
    th.manual_seed(0)
    Xtr, Ytr, Xte, Yte = load()
    net = Tagger(Xtr.shape[1], N_TAGS)
    fit(net, DataLoader(TensorDataset(Xtr, Ytr), 64, shuffle=True), n_epochs=8, lr=3e-3)
    pred = tags_of(net, Xte)
    print('micro f1 %.3f' % f1_score(Yte.numpy(), pred.numpy(), average='micro'))
    print('macro f1 %.3f' % f1_score(Yte.numpy(), pred.numpy(), average='macro', zero_division=0))
    print('tags right %.3f' % (pred == Yte.int()).float().mean().item())
