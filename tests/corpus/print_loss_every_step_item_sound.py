import torch
from sklearn.datasets import make_circles

torch.manual_seed(18)
pts, lab = make_circles(2000, noise=0.08, factor=0.5, random_state=18)
pts = torch.tensor(pts / 0.6, dtype=torch.float32)
lab = torch.tensor(lab, dtype=torch.float32)
x, y, x_test, y_test = pts[:1600], lab[:1600], pts[1600:], lab[1600:]

w = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
opt = torch.optim.Adam(w.parameters(), lr=0.02)
step = 0
curve = []


def test_accuracy():
    w.eval()
    with torch.no_grad():
        right = (w(x_test).squeeze(1) > 0).float() == y_test
    w.train()
    return right.float().mean().item()


print("parameters:", sum(p.numel() for p in w.parameters()))
print("before training", round(test_accuracy(), 4))
for epoch in range(10):
    for batch in torch.randperm(1600).split(32):
        out = w(x[batch]).squeeze(1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(out, y[batch])
        opt.zero_grad()
        loss.backward()
        opt.step()
        step += 1
        if step % 100 == 0:
            print("step", step, "loss", loss.item())
    curve.append(test_accuracy())
    print("epoch", epoch, "test accuracy", round(curve[-1], 4))

best = max(range(len(curve)), key=curve.__getitem__)
print("best epoch", best, "accuracy", round(curve[best], 4), "last", round(curve[-1], 4))
