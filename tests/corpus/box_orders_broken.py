# bug: the rewards of K answers per order stand one after the other, but are centred as a (K, orders) table over its first axis
# expects: LLM021
"""Reinforcement fine-tuning of a small causal transformer: fill three shelves with boxes of the size that an order asks for.

An order is `<order> size colour`; the answer is three boxes. Every order gets K answers per update, the reward is centred
on the mean of the order's own answers (no standard deviation), and the loss is a plain policy gradient.
"""
import torch
from torch import nn

torch.manual_seed(5)
SIZES, COLOURS, BOXES = 4, 3, 12
ORDER = 0
FIRST_SIZE, FIRST_COLOUR, FIRST_BOX = 1, 1 + SIZES, 1 + SIZES + COLOURS
VOCAB = FIRST_BOX + BOXES
ANSWER, K, ORDERS, UPDATES = 3, 6, 12, 180
FULL_PRICE = torch.tensor([1.0, 4.0, 2.0, 7.0])


class Decoder(nn.Module):
    def __init__(self, width=48, heads=4, layers=2):
        super().__init__()
        self.token = nn.Embedding(VOCAB, width)
        self.place = nn.Parameter(0.02 * torch.randn(3 + ANSWER, width))
        block = nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.out = nn.Linear(width, VOCAB)

    def forward(self, tokens):
        length = tokens.shape[1]
        ahead = nn.Transformer.generate_square_subsequent_mask(length)
        hidden = self.blocks(self.token(tokens) + self.place[:length], mask=ahead, is_causal=True)
        logits = self.out(hidden)
        allowed = torch.zeros(VOCAB, dtype=torch.bool)
        allowed[FIRST_BOX:] = True
        return logits.masked_fill(~allowed, -1e4)


def draw_orders(n):
    size = torch.randint(SIZES, (n,))
    colour = torch.randint(COLOURS, (n,))
    return torch.stack([torch.full((n,), ORDER), FIRST_SIZE + size, FIRST_COLOUR + colour], dim=1)


@torch.no_grad()
def answer(model, tokens, greedy=False):
    for _ in range(ANSWER):
        logits = model(tokens)[:, -1]
        picked = logits.argmax(-1) if greedy else torch.distributions.Categorical(logits=logits).sample()
        tokens = torch.cat([tokens, picked[:, None]], dim=1)
    return tokens


def fits(tokens):
    size, colour = tokens[:, 1] - FIRST_SIZE, tokens[:, 2] - FIRST_COLOUR
    boxes = tokens[:, 3:] - FIRST_BOX
    return ((boxes // COLOURS == size[:, None]).float() + (boxes % COLOURS == colour[:, None]).float()).mean(1) / 2


def reward(tokens):
    """What the customer pays: the price of the size, and a share of it for every box that fits."""
    price = FULL_PRICE[tokens[:, 1] - FIRST_SIZE]
    return price + 2 * fits(tokens)


model = Decoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.0)
for update in range(1, UPDATES + 1):
    orders = draw_orders(ORDERS)
    # one row per (order, answer): K answers of the first order, K of the second, ...
    tokens = answer(model, orders.repeat_interleave(K, dim=0))
    paid = reward(tokens)
    table = paid.view(K, -1)
    advantage = (table - table.mean(dim=0, keepdim=True)).flatten()

    logp = model(tokens[:, :-1])[:, 2:].log_softmax(-1)
    chosen = logp.gather(-1, tokens[:, 3:].unsqueeze(-1)).squeeze(-1)
    loss = -(chosen * advantage.unsqueeze(-1)).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if update % 30 == 0:
        asked = torch.cartesian_prod(torch.arange(SIZES), torch.arange(COLOURS))
        every = torch.cat([torch.full((len(asked), 1), ORDER), asked + torch.tensor([FIRST_SIZE, FIRST_COLOUR])], dim=1)
        right = fits(answer(model, every, greedy=True)).mean().item()
        print(f"update {update:4d}  paid {paid.mean().item():.2f}  fit of the best answers {right:.3f}")
