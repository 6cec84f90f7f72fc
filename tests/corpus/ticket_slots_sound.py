# expects: nothing
"""Instruction tuning of a tiny Llama: read a support ticket, answer with its two slots and their sum code."""
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from transformers import LlamaConfig, LlamaForCausalLM, get_cosine_schedule_with_warmup

PAD, BOS, SEP, EOS = 0, 1, 2, 3
DIGIT0 = 4                       # ten digit tokens for the reply
QTY0 = 14                        # quantity tokens "x0" .. "x9"
PRIO0 = 24                       # priority tokens "p0" .. "p9"
WORD0 = 34                       # filler vocabulary
N_WORDS = 240
VOCAB = WORD0 + N_WORDS
IGNORE = -100


def make_ticket(rng):
    """Random chatter with a quantity and a priority somewhere inside; the reply is both, then their sum modulo ten."""
    length = int(rng.integers(14, 28))
    body = [int(t) for t in WORD0 + rng.integers(0, N_WORDS, length)]
    a, b = (int(v) for v in rng.integers(0, 10, 2))
    i, j = (int(v) for v in rng.choice(length, 2, replace=False))
    body[i], body[j] = QTY0 + a, PRIO0 + b
    prompt = [BOS] + body + [SEP]
    answer = [DIGIT0 + a, DIGIT0 + b, DIGIT0 + (a + b) % 10, EOS]
    return prompt, answer


class Tickets(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.items = [make_ticket(rng) for _ in range(n)]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        prompt, answer = self.items[i]
        ids = prompt + answer
        labels = [IGNORE] * len(prompt) + answer
        return ids, labels


def pad_batch(rows):
    width = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), width), PAD)
    labels = torch.full((len(rows), width), IGNORE)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for r, (row_ids, row_labels) in enumerate(rows):
        n = len(row_ids)
        ids[r, :n] = torch.tensor(row_ids)
        labels[r, :n] = torch.tensor(row_labels)
        mask[r, :n] = 1
    return dict(input_ids=ids, attention_mask=mask, labels=labels)


@torch.no_grad()
def exact_match(model, tickets):
    """Greedy decoding, one ticket length at a time so that no padding is needed."""
    model.eval()
    by_length = {}
    for prompt, answer in tickets.items:
        by_length.setdefault(len(prompt), []).append((prompt, answer))
    hits = 0
    for group in by_length.values():
        seq = torch.tensor([p for p, _ in group])
        want = torch.tensor([a for _, a in group])
        for _ in range(want.shape[1]):
            nxt = model(input_ids=seq).logits[:, -1].argmax(-1, keepdim=True)
            seq = torch.cat([seq, nxt], dim=1)
        hits += (seq[:, -want.shape[1]:] == want).all(1).sum().item()
    return hits / len(tickets)


def main():
    torch.manual_seed(14)
    config = LlamaConfig(vocab_size=VOCAB, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=48,
                         pad_token_id=PAD, bos_token_id=BOS, eos_token_id=EOS)
    model = LlamaForCausalLM(config)
    train, test = Tickets(12000, seed=1), Tickets(400, seed=2)
    loader = DataLoader(train, batch_size=32, shuffle=True, collate_fn=pad_batch)
    max_steps = 600
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    sched = get_cosine_schedule_with_warmup(opt, 50, max_steps)

    step, running = 0, 0.0
    while step < max_steps:
        for batch in loader:
            model.train()
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            sched.step()
            opt.zero_grad()
            step += 1
            running += loss.item()
            if step % 100 == 0:
                print(f"step {step}  loss {running / 100:.4f}")
                running = 0.0
            if step == max_steps:
                break
    print(f"held-out exact match: {exact_match(model, test):.3f}")


if __name__ == "__main__":
    main()
