# bug: the functional update returns new parameters but the loop keeps on using the old ones
# expects: no-rule-yet
"""Training in functional style with torch.func: params in, params out."""
from functools import partial

import torch
from sklearn.datasets import load_breast_cancer
from torch.func import functional_call, grad_and_value

torch.manual_seed(0)
module = torch.nn.Sequential(
    torch.nn.Linear(30, 24),
    torch.nn.Tanh(),
    torch.nn.Linear(24, 1),
)


def predict(params, x):
    return functional_call(module, params, (x,)).squeeze(-1)


def loss_fn(params, x, y, l2):
    logits = predict(params, x)
    data = torch.nn.functional.binary_cross_entropy_with_logits(logits, y)
    return data + l2 * sum((p**2).sum() for p in params.values())


def sgd_update(params, velocity, grads, lr, momentum=0.9):
    velocity = {k: momentum * velocity[k] - lr * grads[k] for k in params}
    return {k: params[k] + velocity[k] for k in params}, velocity


def make_step(l2, lr):
    value_and_grad = grad_and_value(partial(loss_fn, l2=l2))

    def step(params, velocity, x, y):
        grads, value = value_and_grad(params, x, y)
        params, velocity = sgd_update(params, velocity, grads, lr)
        return params, velocity, value

    return step


def accuracy(params, x, y):
    return ((predict(params, x) > 0) == y.bool()).float().mean().item()


def main():
    d = load_breast_cancer()
    x, y = torch.tensor(d.data, dtype=torch.float32), torch.tensor(d.target, dtype=torch.float32)
    perm = torch.randperm(len(x))
    x, y = x[perm], y[perm]
    x = (x - x[:450].mean(0)) / x[:450].std(0)
    train, test = (x[:450], y[:450]), (x[450:], y[450:])

    params = {k: p.detach().clone() for k, p in module.named_parameters()}
    velocity = {k: torch.zeros_like(p) for k, p in params.items()}
    step = make_step(l2=1e-4, lr=0.05)
    for epoch in range(10):
        values = []
        for idx in torch.randperm(450).split(25):
            _, velocity, value = step(params, velocity, train[0][idx], train[1][idx])
            values.append(value.item())
        print(f"epoch {epoch} loss {sum(values) / len(values):.4f} test accuracy {accuracy(params, *test):.3f}")


if __name__ == "__main__":
    main()
