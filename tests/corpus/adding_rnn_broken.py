# bug: clip_grad_norm_ is called before backward(), when the gradients have just been cleared, so it never clips anything
# expects: OPT012
import torch
import torch.nn as nn
import torch.nn.functional as F


def adding_problem(n, length, generator):
    """Two channels: values and markers; the target is the sum of the two marked values."""
    values = torch.rand(n, length, generator=generator)
    marks = torch.zeros(n, length)
    half = length // 2
    i = torch.randint(0, half, (n,), generator=generator)
    j = torch.randint(half, length, (n,), generator=generator)
    rows = torch.arange(n)
    marks[rows, i] = 1.0
    marks[rows, j] = 1.0
    target = values[rows, i] + values[rows, j]
    return torch.stack([values, marks], dim=-1), target - 1.0


class AddingRNN(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.rnn = nn.RNN(2, hidden, nonlinearity="relu", batch_first=True)
        self.out = nn.Linear(hidden, 1)
        nn.init.eye_(self.rnn.weight_hh_l0)
        nn.init.zeros_(self.rnn.bias_hh_l0)
        nn.init.zeros_(self.rnn.bias_ih_l0)
        nn.init.normal_(self.rnn.weight_ih_l0, std=0.1)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1]).squeeze(-1)


def main():
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(5)
    length = 12
    x_test, y_test = adding_problem(500, length, gen)
    model = AddingRNN()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=1000)
    for step in range(1, 1001):
        model.train()
        x, y = adding_problem(32, length, gen)
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.5)
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % 100 == 0:
            model.eval()
            with torch.no_grad():
                test = F.mse_loss(model(x_test), y_test).item()
            print(f"step {step} train mse {loss.item():.4f} test mse {test:.4f} (target variance {y_test.var():.3f})")


if __name__ == "__main__":
    main()
