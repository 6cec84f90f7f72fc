# bug: sessions packed into a row see each other
# expects: no-rule-yet
# next-page model over short web sessions, sessions packed into fixed rows
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

V, K, ROW, D, H, L = 24, 6, 64, 48, 4, 2
PAD = V
rs = np.random.RandomState(8)
torch.manual_seed(8)

# the landing page decides the kind of visitor; each kind has its own habits, on the same pages
nxt = np.stack([np.stack([rs.permutation(V)[:3] for _ in range(V)]) for _ in range(K)])
kind_of = rs.randint(0, K, V)

def session():
    n = rs.randint(5, 22)
    s = [rs.randint(V)]
    k = kind_of[s[0]]
    while len(s) < n:
        s.append(nxt[k, s[-1], rs.choice(3, p=[.8, .15, .05])])
    return np.array(s)

def pack(sessions):
    rows, cur = [], []
    def flush():
        x = np.full(ROW, PAD)
        s = np.concatenate(cur); x[:len(s)] = s
        rows.append(x)
    for s in sessions:
        if sum(map(len, cur)) + len(s) > ROW:
            flush(); cur = []
        cur.append(s)
    flush()
    return torch.tensor(np.stack(rows))

class Block(nn.Module):
    def __init__(s):
        super().__init__()
        s.n1, s.n2 = nn.LayerNorm(D), nn.LayerNorm(D)
        s.qkv, s.o = nn.Linear(D, 3 * D), nn.Linear(D, D)
        s.ff = nn.Sequential(nn.Linear(D, 4 * D), nn.GELU(), nn.Linear(4 * D, D))
    def forward(s, x):
        B, T, _ = x.shape
        q, k, v = s.qkv(s.n1(x)).view(B, T, 3, H, D // H).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + s.o(a.transpose(1, 2).reshape(B, T, D))
        return x + s.ff(s.n2(x))

class Model(nn.Module):
    def __init__(s):
        super().__init__()
        s.tok, s.pos = nn.Embedding(V + 1, D), nn.Embedding(ROW, D)
        nn.init.normal_(s.tok.weight, std=.02); nn.init.normal_(s.pos.weight, std=.02)
        s.blocks = nn.ModuleList(Block() for _ in range(L))
        s.norm, s.out = nn.LayerNorm(D), nn.Linear(D, V)
    def forward(s, x):
        h = s.tok(x) + s.pos(torch.arange(x.shape[1]))
        for b in s.blocks: h = b(h)
        return s.out(s.norm(h))

def targets(x):
    y = x[:, 1:].clone()
    y[y == PAD] = -100
    return y

train = pack([session() for _ in range(6000)])
valid = [session() for _ in range(500)]
vx = torch.full((len(valid), ROW), PAD)
for i, s in enumerate(valid):                      # one session a row, as the site will ask for it
    vx[i, :len(s)] = torch.tensor(s)
vx = vx[:, :24]

net = Model()
opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=.01)
E, B = 14, 32
steps = E * (len(train) // B)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda t: min(1, (t + 1) / 50) * .5 * (1 + np.cos(np.pi * min(1, t / steps))))
for e in range(E):
    net.train(); tot = []
    for ix in torch.randperm(len(train)).split(B):
        if len(ix) < B: continue
        x = train[ix]
        loss = F.cross_entropy(net(x)[:, :-1].reshape(-1, V), targets(x).reshape(-1), ignore_index=-100)
        opt.zero_grad(); loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.); opt.step(); sched.step()
        tot.append(loss.item())
    if e % 2: 
        net.eval()
        with torch.no_grad():
            lg = net(vx)[:, :-1]; y = targets(vx); m = y != -100
            vl = F.cross_entropy(lg[m], y[m]).item(); acc = (lg.argmax(-1)[m] == y[m]).float().mean().item()
        print(f"epoch {e+1} train {np.mean(tot):.3f} valid {vl:.3f} top-1 {acc:.3f}")
