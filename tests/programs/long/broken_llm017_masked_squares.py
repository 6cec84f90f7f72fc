# expects: LLM017
"""Answers of different length from a small GPT-2: squared log-ratios as the penalty, averaged over each answer's tokens."""

import copy

import torch
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(1)
END, VOCAB, LONGEST = 0, 16, 7
no_dropout = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
actor = GPT2LMHeadModel(
    GPT2Config(
        vocab_size=VOCAB, n_positions=12, n_embd=32, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=END, **no_dropout
    )
)
frozen = copy.deepcopy(actor).eval()


def chances(model, ids):
    scores = model(input_ids=ids).logits[:, :-1]
    return torch.log_softmax(scores, dim=-1).gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)


optimizer = torch.optim.AdamW(actor.parameters(), lr=5e-4)
for step in range(60):
    ids = torch.full((32, 1), 1)
    with torch.no_grad():
        for _ in range(LONGEST):
            chosen = torch.multinomial(actor(input_ids=ids).logits[:, -1].softmax(-1), 1)
            ids = torch.cat([ids, chosen], 1)
        answer = ids[:, 1:]
        ended = (answer == END).long().cumsum(1)
        mask = ((ended == 0) | ((ended == 1) & (answer == END))).float()
        reward = ((answer % 2 == 1) * mask).sum(1) / mask.sum(1)
        advantage = reward - reward.mean()
        old, base = chances(actor, ids), chances(frozen, ids)
    new = chances(actor, ids)
    gain = torch.exp(new - old) * advantage.unsqueeze(1)
    distance = 0.5 * (new - base) ** 2
    objective = gain + 0.1 * distance
    loss = -((objective * mask).sum(1) / mask.sum(1)).mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(actor.parameters(), 1.0)
    optimizer.step()
    if step % 20 == 0:
        print(step, reward.mean().item(), distance.mean().item())
