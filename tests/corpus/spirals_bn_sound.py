# sound
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def spirals(n, generator, arms=3):
    y = torch.randint(0, arms, (n,), generator=generator)
    r = torch.rand(n, generator=generator)
    angle = 5.0 * r + y * (2 * math.pi / arms) + 0.2 * torch.randn(n, generator=generator)
    x = torch.stack([r * angle.cos(), r * angle.sin()], dim=1)
    return torch.cat([x * 2, 0.5 * torch.randn(n, 6, generator=generator)], 1), y


def build(width=48, depth=8):
    layers, n_in = [], 8
    for _ in range(depth):
        layers += [nn.Linear(n_in, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()]
        n_in = width
    return nn.Sequential(*layers, nn.Dropout(0.1), nn.Linear(width, 3))


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(2)
    gen = torch.Generator().manual_seed(2)
    x_train, y_train = spirals(800, gen)
    x_test, y_test = spirals(600, gen)
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    print("before training: test loss %.4f test acc %.4f" % evaluate(model, x_test, y_test))
    for epoch in range(1, 31):
        model.train()
        running = 0.0
        for idx in torch.randperm(len(x_train)).split(50):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
            running += loss.item() * len(idx)
        test_loss, test_acc = evaluate(model, x_test, y_test)
        if epoch % 5 == 0:
            print(f"epoch {epoch} train loss {running / len(x_train):.4f} test loss {test_loss:.4f} test acc {test_acc:.4f}")
