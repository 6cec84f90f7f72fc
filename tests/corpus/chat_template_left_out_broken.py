# bug: the prompts at generation are encoded without the chat template that training used
# expects: LLM020
import torch
from transformers import GPT2Config, GPT2LMHeadModel

USER, BOT, END = 20, 21, 22
torch.manual_seed(3)


def template(question, answer=None):
    rows = [[USER, *q, BOT] + ([*a, END] if answer is not None else []) for q, a in zip(question, answer or question)]
    return torch.tensor(rows)


def dialogues(count):
    """The bot repeats the user's three words in order of size."""
    question = torch.stack([torch.randperm(20)[:3] for _ in range(count)]).tolist()
    return question, [sorted(q) for q in question]


model = GPT2LMHeadModel(GPT2Config(vocab_size=24, n_positions=16, n_embd=64, n_layer=2, n_head=4,
                                   resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=USER, eos_token_id=END))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
question, answer = dialogues(3000)
ids = template(question, answer)
labels = ids.clone()
labels[:, :5] = -100
for epoch in range(8):
    model.train()
    total = 0.0
    for rows in torch.randperm(len(ids)).split(64):
        out = model(input_ids=ids[rows], labels=labels[rows])
        optimizer.zero_grad()
        out.loss.backward()
        optimizer.step()
        total += out.loss.item() * len(rows)
    print(f"epoch {epoch} loss {total / len(ids):.4f}")

model.eval()
question, answer = dialogues(64)
prompt = torch.tensor([[*q] for q in question])
with torch.no_grad():
    for _ in range(3):
        word = model(input_ids=prompt).logits[:, -1].argmax(-1, keepdim=True)
        prompt = torch.cat([prompt, word], 1)
right = (prompt[:, -3:] == torch.tensor(answer)).all(1).float().mean()
print(f"answers right: {right:.3f}")
