# expects: PRF002
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 8)
y = (x @ torch.randn(8, 3)).argmax(1)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
with open("trace.txt", "w") as trace:
    for step in range(200):
        rows = torch.randint(0, 600, (60,))
        scores = model(x[rows])
        loss = nn.functional.cross_entropy(scores, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print("step", step, "scores", scores.softmax(1), file=trace)
        print("labels", y[rows], "weights", model[2].weight, file=trace)
