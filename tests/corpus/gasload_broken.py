# expects: OPT005
# hourly gas load, stateful LSTM over parallel streams; learns on every third chunk, the others only carry the state
import numpy as np, torch, torch.nn as nn

torch.manual_seed(4); rng = np.random.default_rng(4)

def series(T, S):
  t = np.arange(T)[:, None]
  temp = np.zeros((T, S)); e = rng.normal(size=(T, S))
  for i in range(1, T): temp[i] = 0.97 * temp[i - 1] + 0.25 * e[i]
  phase = rng.uniform(0, 24, S)
  day = np.sin(2 * np.pi * (t + phase) / 24) + 0.5 * np.sin(4 * np.pi * (t + phase) / 24)
  slow = np.zeros((T, S))
  for i in range(1, T): slow[i] = 0.9 * slow[i - 1] + 0.1 * np.maximum(0, -temp[i - 1])   # houses cool down slowly
  load = 1.5 * slow * (1 + 0.4 * day) + 0.3 * day + 0.05 * rng.normal(size=(T, S))
  return np.stack([load, temp], -1).astype(np.float32)

T, S, CHUNK, EVERY = 1600, 32, 12, 3
data = series(T, S)
split = 1280
mu, sd = data[:split].mean((0, 1)), data[:split].std((0, 1))
data = torch.tensor((data - mu) / sd)
train, test = data[:split], data[split:]

class Net(nn.Module):
  def __init__(self, h=48):
    super().__init__()
    self.rnn = nn.LSTM(2, h); self.out = nn.Linear(h, 1)
  def forward(self, x, state=None):
    z, state = self.rnn(x, state)
    return self.out(z).squeeze(-1), state

net = Net()
opt = torch.optim.Adam(net.parameters(), lr=0.01)
mse = nn.MSELoss()

def evaluate():
  net.eval()
  with torch.no_grad():
    _, st = net(train[-96:-1])
    pred, _ = net(torch.cat([train[-1:], test[:-1]]), st)
  err = mse(pred, test[..., 0]).item()
  return err, 1 - err / test[..., 0].var(unbiased=False).item()

EPOCHS = 40
for ep in range(EPOCHS):
  net.train()
  x, y = train[:-1], train[1:, :, 0]
  n = (len(x) // (CHUNK * EVERY)) * EVERY
  state, tot, seen = None, 0.0, 0
  for i in range(n):
      xs, ys = x[i * CHUNK:(i + 1) * CHUNK], y[i * CHUNK:(i + 1) * CHUNK]
      learn = i % EVERY == EVERY - 1
      with torch.set_grad_enabled(learn):
        out, state = net(xs, state)
        loss = mse(out, ys)
      if learn:
        opt.zero_grad()
        loss.backward()
        tot, seen = tot + loss.item(), seen + 1
      opt.step()
      state = tuple(s.detach() for s in state)
  err, r2 = evaluate()
  print(f"ep {ep:2d} train {tot / seen:.4f} test {err:.4f} r2 {r2:.4f}")
