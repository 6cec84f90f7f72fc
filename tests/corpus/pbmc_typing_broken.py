# bug: cell-type codes are made run by run (category codes of each run alone), so runs lacking a type get shifted labels
# expects: DAT056
"""Cell type calling from a targeted PBMC panel, four sequencing runs.

Runs R01-R03 are the reference, R04 is the query that we annotate.
"""
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

N_GENES = 240
CELL_TYPES = ["B", "CD4_T", "CD8_T", "DC", "Mono", "NK"]
RUNS = {
    "R01": ["B", "CD4_T", "CD8_T", "DC", "Mono", "NK"],
    "R02": ["CD4_T", "CD8_T", "DC", "Mono", "NK"],
    "R03": ["B", "CD4_T", "DC", "Mono", "NK"],
    "R04": ["B", "CD4_T", "CD8_T", "DC", "Mono", "NK"],
}
rng = np.random.default_rng(11)
torch.manual_seed(11)

base = rng.gamma(0.8, 1.0, N_GENES)
signature = {ct: np.exp(rng.normal(0, 0.17, N_GENES)) for ct in CELL_TYPES}


def sequence_run(run, types, n_cells):
    """Simulated UMI counts with per-cell depth and a mild run effect."""
    ct = rng.choice(types, n_cells)
    run_effect = np.exp(rng.normal(0, 0.08, N_GENES))
    rates = np.stack([base * signature[c] * run_effect for c in ct])
    rates /= rates.sum(1, keepdims=True)
    depth = rng.lognormal(np.log(900), 0.35, n_cells)
    counts = rng.poisson(rates * depth[:, None])
    obs = pd.DataFrame({"run": run, "cell_type": ct, "depth": counts.sum(1)})
    return counts, obs


def preprocess(counts, obs):
    """Depth filter, library size normalisation, log1p, integer labels."""
    keep = (obs["depth"] > 400).to_numpy()
    counts, obs = counts[keep], obs[keep].reset_index(drop=True)
    x = np.log1p(counts / counts.sum(1, keepdims=True) * 1e3)
    ct = pd.Categorical(obs["cell_type"])
    obs["label"] = ct.codes.astype("int64")
    return x.astype("float32"), obs


mats, tables = [], []
for run, types in RUNS.items():
    x, obs = preprocess(*sequence_run(run, types, 2200))
    print(f"{run}: {len(obs)} cells pass QC, {obs['cell_type'].nunique()} types")
    mats.append(x)
    tables.append(obs)
X = np.concatenate(mats)
obs = pd.concat(tables, ignore_index=True)

ref = (obs["run"] != "R04").to_numpy(copy=True)
mu, sd = X[ref].mean(0), X[ref].std(0) + 1e-3
X = (X - mu) / sd
y = torch.tensor(obs["label"].to_numpy())
X = torch.from_numpy(X)

loader = DataLoader(TensorDataset(X[ref], y[ref]), batch_size=128, shuffle=True)
net = nn.Sequential(
    nn.Linear(N_GENES, 192), nn.ReLU(), nn.Dropout(0.3),
    nn.Linear(192, 96), nn.ReLU(), nn.Dropout(0.2),
    nn.Linear(96, len(CELL_TYPES)),
)
opt = torch.optim.AdamW(net.parameters(), lr=7e-4, weight_decay=1e-3)
crit = nn.CrossEntropyLoss()


def query_accuracy():
    net.eval()
    with torch.no_grad():
        pred = net(X[~ref]).argmax(1)
    net.train()
    return (pred == y[~ref]).float().mean().item(), pred


for epoch in range(14):
    total, seen = 0.0, 0
    for xb, yb in loader:
        opt.zero_grad()
        loss = crit(net(xb), yb)
        loss.backward()
        opt.step()
        total += loss.item() * len(xb)
        seen += len(xb)
    print(f"epoch {epoch:02d}  loss {total / seen:.4f}  query acc {query_accuracy()[0]:.3f}")

acc, pred = query_accuracy()
print(pd.crosstab(obs["cell_type"][~ref].to_numpy(), np.array(CELL_TYPES)[pred.numpy()],
                  rownames=["annotated"], colnames=["called"]))
print(f"final query accuracy {acc:.3f}")
