# bug: labels are shifted by hand although GPT2LMHeadModel shifts them itself, so the model is trained to predict the token after next
# expects: LLM002
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset
from transformers import GPT2Config, GPT2LMHeadModel, get_linear_schedule_with_warmup, set_seed

VERBS = ["chop", "fry", "boil", "mix", "bake"]
ADVERBS = ["gently", "quickly", "twice"]
FOODS = ["onion", "carrot", "rice", "egg", "flour", "beef"]
PLACES = ["pan", "pot", "bowl", "oven"]
WORDS = ["<s>", "then", "the", "in", "for", "minutes", "5", "10", "20", "."] + VERBS + ADVERBS + FOODS + PLACES
IDS = {w: i for i, w in enumerate(WORDS)}
HOME = {"chop": "bowl", "fry": "pan", "boil": "pot", "mix": "bowl", "bake": "oven"}
TIME = {"chop": "5", "fry": "10", "boil": "20", "mix": "5", "bake": "20"}
CONTEXT = 32


def sentence(rng):
    verb = rng.choice(VERBS)
    words = [verb]
    if rng.random() < 0.3:
        words.append(rng.choice(ADVERBS))
    words += ["the", rng.choice(FOODS)]
    words += ["in", "the", HOME[verb]]
    if rng.random() < 0.6:
        words += ["for", TIME[verb], "minutes"]
    return words + ["then" if rng.random() < 0.5 else "."]


def corpus(n, seed):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        words = ["<s>"]
        while len(words) < CONTEXT:
            words += sentence(rng)
        rows.append([IDS[w] for w in words[:CONTEXT]])
    return torch.tensor(rows)


def collate(batch):
    ids = torch.stack([row[0] for row in batch])
    return {"input_ids": ids[:, :-1], "labels": ids[:, 1:].clone()}


@torch.no_grad()
def evaluate(model, ids):
    model.eval()
    hits, nll, count = 0, 0.0, 0
    for chunk in ids.split(100):
        logp = model(input_ids=chunk).logits[:, :-1].log_softmax(-1)
        target = chunk[:, 1:]
        hits += (logp.argmax(-1) == target).sum().item()
        nll -= logp.gather(-1, target.unsqueeze(-1)).sum().item()
        count += target.numel()
    return hits / count, float(np.exp(nll / count))


@torch.no_grad()
def write(model, n=24):
    model.eval()
    ids = torch.tensor([[IDS["<s>"], IDS["fry"]]])
    for _ in range(n):
        nxt = torch.multinomial(model(input_ids=ids).logits[:, -1].softmax(-1), 1)
        ids = torch.cat([ids, nxt], 1)
    return " ".join(WORDS[i] for i in ids[0, 1:])


def main():
    set_seed(33)
    train = DataLoader(TensorDataset(corpus(2560, 1)), batch_size=16, shuffle=True, collate_fn=collate)
    test_ids = corpus(400, 2)
    config = GPT2Config(vocab_size=len(WORDS), n_positions=CONTEXT, n_embd=48, n_layer=2, n_head=4,
                        bos_token_id=0, eos_token_id=0, attn_pdrop=0.0, embd_pdrop=0.05, resid_pdrop=0.05)
    model = GPT2LMHeadModel(config)
    epochs = 3
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    scheduler = get_linear_schedule_with_warmup(optimizer, 40, epochs * len(train))
    for epoch in range(epochs):
        model.train()
        for step, batch in enumerate(train):
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            if step % 50 == 0:
                print(f"epoch {epoch} step {step} loss {loss.item():.4f}")
        acc, ppl = evaluate(model, test_ids)
        print(f"epoch {epoch} held-out next-word acc {acc:.4f} perplexity {ppl:.2f}")
    print("sample:", write(model))


if __name__ == "__main__":
    main()
