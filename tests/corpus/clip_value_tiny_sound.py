import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch.nn.utils import clip_grad_value_

CLIP = 1.0

wine = load_wine()
x_train, x_test, y_train, y_test = train_test_split(
    torch.tensor(wine.data).float(), torch.tensor(wine.target), test_size=0.3, random_state=9, stratify=wine.target
)
centre, scale = x_train.mean(dim=0), x_train.std(dim=0)
x_train, x_test = (x_train - centre) / scale, (x_test - centre) / scale

torch.manual_seed(9)
hidden = torch.nn.Linear(13, 32)
output = torch.nn.Linear(32, 3)
layers = torch.nn.ModuleList([hidden, output])
parameters = list(layers.parameters())
optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)


def forward(x):
    return output(torch.relu(hidden(x)))


def epoch():
    layers.train()
    total = 0.0
    for rows in torch.randperm(len(x_train)).split(16):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(forward(x_train[rows]), y_train[rows])
        loss.backward()
        clip_grad_value_(parameters, CLIP)
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(x_train)


for k in range(30):
    mean_loss = epoch()
    if k % 5 == 4:
        layers.eval()
        with torch.no_grad():
            share = (forward(x_test).argmax(1) == y_test).double().mean().item()
        print(f"epoch {k + 1:3d}: loss {mean_loss:.4f}, {share:.1%} of the test wines right")
