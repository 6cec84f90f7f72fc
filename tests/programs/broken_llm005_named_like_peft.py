# expects: LLM005
import torch
from sklearn.datasets import load_digits
from torch import nn


class LoraLayer(nn.Module):
    """Same names as in PEFT: base_layer, lora_A.default, lora_B.default."""

    def __init__(self, base_layer, r=4, lora_alpha=8):
        super().__init__()
        self.base_layer = base_layer
        self.lora_A = nn.ModuleDict({"default": nn.Linear(base_layer.in_features, r, bias=False)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(r, base_layer.out_features, bias=False)})
        nn.init.zeros_(self.lora_B["default"].weight)
        self.scaling = lora_alpha / r

    def forward(self, x):
        return self.base_layer(x) + self.scaling * self.lora_B["default"](self.lora_A["default"](x))


def with_lora(module):
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Linear):
            setattr(module, name, LoraLayer(child))
        else:
            with_lora(child)
    return module


torch.manual_seed(0)
digits = load_digits()
x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
network = with_lora(nn.Sequential(nn.Linear(64, 48), nn.GELU(), nn.Linear(48, 10)))
optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
for epoch in range(5):
    for rows in torch.randperm(len(x)).split(50):
        loss = nn.functional.cross_entropy(network(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
