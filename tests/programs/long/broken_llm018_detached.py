# expects: LLM018
"""Group-relative rewards on a GPT-2: the probabilities of the reference are those of the step, detached."""

import torch
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(1)
VOCAB, LONGEST, GROUP = 16, 6, 8
config = GPT2Config(
    vocab_size=VOCAB, n_positions=12, n_embd=32, n_layer=1, n_head=2, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0
)
model = GPT2LMHeadModel(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)


def log_probs(ids):
    scores = model(input_ids=ids).logits[:, :-1]
    return scores.log_softmax(-1).gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)


for step in range(60):
    ids = torch.randint(0, VOCAB, (4, 1)).repeat_interleave(GROUP, 0)
    with torch.no_grad():
        while ids.shape[1] <= LONGEST:
            ids = torch.cat([ids, torch.multinomial(model(input_ids=ids).logits[:, -1].softmax(-1), 1)], 1)
    reward = (ids[:, 1:] > ids[:, :-1]).float().mean(1).view(-1, GROUP)
    advantage = (reward - reward.mean(1, keepdim=True)).flatten().unsqueeze(1)
    new = log_probs(ids)
    reference = new.detach()
    penalty = torch.exp(reference - new) - (reference - new) - 1.0
    loss = (-torch.exp(new - new.detach()) * advantage + 0.05 * penalty).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, reward.mean().item(), penalty.mean().item())
