# expects: MOD005
# also: TRN001 TRN003
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
data = load_digits()
images = torch.tensor(data.data, dtype=torch.float32) / 16
labels = torch.tensor(data.target)
network = nn.Sequential(nn.Linear(64, 50), nn.ReLU(), nn.Linear(50, 10))
with torch.no_grad():
    for p in network.parameters():
        p.zero_()
sgd = torch.optim.SGD(network.parameters(), lr=0.5)
for epoch in range(6):
    for i in range(0, 1792, 56):
        loss = nn.functional.cross_entropy(network(images[i : i + 56]), labels[i : i + 56])
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    print(epoch, loss.item())
