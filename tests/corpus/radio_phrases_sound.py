# expects: nothing
import random

import torch
from torch.utils.data import DataLoader
from transformers import GPT2Config, GPT2LMHeadModel, get_linear_schedule_with_warmup, set_seed

CALLS = ["alfa", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"]
VERBS = ["climb", "descend", "turn", "hold", "contact", "taxi"]
OBJECT = {"climb": ["to", "level"], "descend": ["to", "level"], "turn": ["onto", "heading"],
          "hold": ["short", "of"], "contact": ["tower", "on"], "taxi": ["via", "gate"]}
DIGITS = [str(d) for d in range(10)]
PAD, BOS, EOS = "<pad>", "<bos>", "<eos>"
WORDS = [PAD, BOS, EOS, "say", "again", "readback", "correct", *CALLS, *VERBS,
         *sorted({w for v in OBJECT.values() for w in v}), *DIGITS]
ID = {w: i for i, w in enumerate(WORDS)}


def phrase(rng):
    call, verb = rng.sample(CALLS, 2), rng.choice(VERBS)
    number = [rng.choice(DIGITS) for _ in range(rng.randint(2, 4))]
    order = [verb, *OBJECT[verb], *number]
    return [BOS, *call, *order, "readback", *order, *call, EOS]


def collate(batch):
    width = max(map(len, batch))
    ids = torch.full((len(batch), width), ID[PAD])
    mask = torch.zeros(len(batch), width, dtype=torch.long)
    for row, words in enumerate(batch):
        ids[row, :len(words)] = torch.tensor([ID[w] for w in words])
        mask[row, :len(words)] = 1
    labels = ids.masked_fill(mask == 0, -100)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    return sum(model(**b).loss.item() for b in loader) / len(loader)


@torch.no_grad()
def readback_rate(model, phrases):
    model.eval()
    good = 0
    for words in phrases:
        cut = words.index("readback") + 1
        prompt = torch.tensor([[ID[w] for w in words[:cut]]])
        out = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=len(words) - cut,
                             do_sample=False, pad_token_id=ID[PAD], eos_token_id=ID[EOS])
        good += [WORDS[i] for i in out[0, cut:].tolist()] == words[cut:]
    return good / len(phrases)


set_seed(41)
rng = random.Random(41)
train_set = [phrase(rng) for _ in range(5000)]
valid_set = [phrase(rng) for _ in range(400)]
train_loader = DataLoader(train_set, batch_size=32, shuffle=True, collate_fn=collate)
valid_loader = DataLoader(valid_set, batch_size=100, collate_fn=collate)

config = GPT2Config(vocab_size=len(WORDS), n_positions=32, n_embd=64, n_layer=2, n_head=4, resid_pdrop=0.0,
                    embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=ID[BOS], eos_token_id=ID[EOS], pad_token_id=ID[PAD])
model = GPT2LMHeadModel(config)
epochs = 6
optimizer = torch.optim.AdamW(model.parameters(), lr=2.5e-3, weight_decay=0.01)
scheduler = get_linear_schedule_with_warmup(optimizer, 60, epochs * len(train_loader))

for epoch in range(epochs):
    model.train()
    for i, batch in enumerate(train_loader):
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        if i % 50 == 0:
            print(f"epoch {epoch} batch {i} loss {loss.item():.4f}")
    print(f"epoch {epoch} valid loss {evaluate(model, valid_loader):.4f}")
print(f"exact readbacks {readback_rate(model, valid_set[:60]):.3f}")
