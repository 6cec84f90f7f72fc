# bug: labels are shifted in Sessions.__getitem__ although GPT2LMHeadModel shifts them itself, so the model learns the page after next
# expects: LLM002
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import GPT2Config, GPT2LMHeadModel, get_cosine_schedule_with_warmup


@dataclass
class Config:
    n_pages: int = 14
    length: int = 32
    n_train: int = 4000
    n_test: int = 500
    batch_size: int = 32
    epochs: int = 6
    lr: float = 3e-3
    seed: int = 5


def simulate_sessions(n, length, table, gen):
    """Visits where the next page depends on the two pages seen last."""
    pages = table.shape[0]
    out = torch.empty(n, length, dtype=torch.long)
    out[:, :2] = torch.randint(pages, (n, 2), generator=gen)
    for t in range(2, length):
        probs = table[out[:, t - 2], out[:, t - 1]]
        out[:, t] = torch.multinomial(probs, 1, generator=gen).squeeze(1)
    return out


class Sessions(Dataset):
    def __init__(self, visits):
        self.visits = visits

    def __len__(self):
        return len(self.visits)

    def __getitem__(self, i):
        s = self.visits[i]
        return {"input_ids": s[:-1], "labels": s[1:]}


@torch.no_grad()
def next_page_accuracy(model, visits, batch_size):
    model.eval()
    hits = seen = 0
    for chunk in visits.split(batch_size):
        guess = model(input_ids=chunk).logits[:, 1:-1].argmax(-1)
        hits += (guess == chunk[:, 2:]).sum().item()
        seen += guess.numel()
    return hits / seen


def main(cfg=Config()):
    torch.manual_seed(cfg.seed)
    gen = torch.Generator().manual_seed(cfg.seed)
    table = torch.randn(cfg.n_pages, cfg.n_pages, cfg.n_pages, generator=gen).mul(2.2).softmax(-1)
    train = simulate_sessions(cfg.n_train, cfg.length, table, gen)
    test = simulate_sessions(cfg.n_test, cfg.length, table, gen)

    model = GPT2LMHeadModel(GPT2Config(
        vocab_size=cfg.n_pages, n_positions=cfg.length, n_embd=64, n_layer=2, n_head=4,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
    ))
    loader = DataLoader(Sessions(train), batch_size=cfg.batch_size, shuffle=True, drop_last=True)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=0.01)
    total = cfg.epochs * len(loader)
    sched = get_cosine_schedule_with_warmup(opt, total // 20, total)

    step = 0
    for epoch in range(cfg.epochs):
        model.train()
        for batch in loader:
            loss = model(**batch).loss
            opt.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            step += 1
            if step % 100 == 0:
                print(f"step {step}/{total} loss {loss.item():.3f} lr {sched.get_last_lr()[0]:.1e}")
        print(f"epoch {epoch + 1} next-page accuracy {next_page_accuracy(model, test, 100):.3f}")

    best = table[test[:, :-2], test[:, 1:-1]].argmax(-1)
    ceiling = (best == test[:, 2:]).float().mean().item()
    print(f"final next-page accuracy {next_page_accuracy(model, test, 100):.3f} (best possible {ceiling:.3f})")


if __name__ == "__main__":
    main()
