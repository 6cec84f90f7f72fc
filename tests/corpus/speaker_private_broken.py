# bug: the critic's optimizer gets region_model.parameters(), which holds the encoder too, so both optimizers step the encoder and the critic's step teaches it the region
# expects: OPT021
"""Learn call-intent embeddings that do not give away the speaker's region.

An encoder and intent head are trained against a critic that tries to read the
region from the embedding.  A fresh logistic probe on held-out calls measures
what is left.
"""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

INTENTS, REGIONS, DIM = 5, 3, 32


def calls(n, g):
    intent = torch.randint(INTENTS, (n,), generator=g)
    region = torch.randint(REGIONS, (n,), generator=g)
    a = torch.randn(INTENTS, DIM, generator=g)
    b = torch.randn(REGIONS, DIM, generator=g)
    x = 0.9 * a[intent] + 0.9 * b[region] + torch.randn(n, DIM, generator=g)
    return torch.tanh(0.6 * x), intent, region


def probe_accuracy(encoder, fit, test):
    with torch.no_grad():
        z_fit, z_test = encoder(fit[0]).numpy(), encoder(test[0]).numpy()
    clf = LogisticRegression(max_iter=500).fit(z_fit, fit[2].numpy())
    return clf.score(z_test, test[2].numpy())


def main(epochs=24, weight=1.0, critic_steps=4):
    torch.manual_seed(29)
    g = torch.Generator().manual_seed(29)
    everything = TensorDataset(*calls(7000, g))
    train_set, test_set = random_split(everything, [5000, 2000], generator=g)
    loader = DataLoader(train_set, batch_size=100, shuffle=True, drop_last=True)
    fit, test = everything[train_set.indices], everything[test_set.indices]

    encoder = nn.Sequential(nn.Linear(DIM, 64), nn.ReLU(), nn.Linear(64, 16))
    intent_head = nn.Linear(16, INTENTS)
    region_head = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, REGIONS))
    intent_model = nn.Sequential(encoder, intent_head)
    region_model = nn.Sequential(encoder, region_head)

    main_opt = torch.optim.Adam(intent_model.parameters(), lr=5e-4)
    critic_opt = torch.optim.Adam(region_model.parameters(), lr=3e-3)

    for epoch in range(1, epochs + 1):
        seen = np.zeros(2)
        for x, intent, region in loader:
            for _ in range(critic_steps):
                critic_loss = F.cross_entropy(region_model(x), region)
                critic_opt.zero_grad()
                critic_loss.backward()
                critic_opt.step()

            z = encoder(x)
            task_loss = F.cross_entropy(intent_head(z), intent)
            spread = -region_head(z).log_softmax(-1).mean()
            main_opt.zero_grad()
            (task_loss + weight * spread).backward()
            main_opt.step()
            seen += task_loss.item(), critic_loss.item()
        if epoch % 3 == 0:
            with torch.no_grad():
                acc = (intent_model(test[0]).argmax(1) == test[1]).float().mean().item()
            leak = probe_accuracy(encoder, fit, test)
            task, critic = seen / len(loader)
            print(f"epoch {epoch:2d}  task {task:.3f}  critic {critic:.3f}  intent acc {acc:.3f}  region probe {leak:.3f}")


if __name__ == "__main__":
    main()
