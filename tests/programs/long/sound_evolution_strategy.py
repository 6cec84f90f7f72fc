# expects: nothing
"""Evolution strategy: the gradient is estimated from noise and put into .grad by hand; no backward pass at all."""

import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

torch.manual_seed(0)
x = torch.randn(200, 3)
y = x @ torch.tensor([[1.0], [-2.0], [0.5]])
policy = nn.Linear(3, 1)
optimizer = torch.optim.SGD(policy.parameters(), lr=0.05, momentum=0.5)
sigma, pairs = 0.05, 10

with torch.no_grad():
    for generation in range(200):
        centre = parameters_to_vector(policy.parameters())
        noise = torch.randn(pairs, centre.numel())
        gain = torch.zeros(pairs)
        for k in range(pairs):
            for sign in (1, -1):
                vector_to_parameters(centre + sign * sigma * noise[k], policy.parameters())
                gain[k] += sign * nn.functional.mse_loss(policy(x), y)
        vector_to_parameters(centre, policy.parameters())
        estimate = (gain[:, None] * noise).mean(0) / (2 * sigma)
        start = 0
        for p in policy.parameters():
            p.grad = estimate[start : start + p.numel()].view_as(p).clone()
            start += p.numel()
        optimizer.step()
        if generation % 50 == 0:
            print(generation, nn.functional.mse_loss(policy(x), y).item())
