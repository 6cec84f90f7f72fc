# expects: nothing
# masked language modelling with a tiny BERT from a config: most labels are -100 on purpose, dynamic masking, fixed masks in evaluation
import torch
from transformers import BertConfig, BertForMaskedLM, get_linear_schedule_with_warmup

torch.manual_seed(30)
PAD, MASK, FIRST = 0, 1, 2
N_SYM, LENGTH = 20, 16
VOCAB = FIRST + N_SYM


NEXT = torch.stack([torch.randperm(N_SYM), torch.randperm(N_SYM)])


def sequences(n, gen):
    """Random walks of 8 to 16 symbols where each symbol has two possible followers: the two neighbours tell most of a masked one."""
    walk = [torch.randint(N_SYM, (n,), generator=gen)]
    for _ in range(LENGTH - 1):
        walk.append(NEXT[torch.randint(2, (n,), generator=gen), walk[-1]])
    length = torch.randint(8, LENGTH + 1, (n, 1), generator=gen)
    attention = (torch.arange(LENGTH) < length).long()
    return torch.where(attention == 1, torch.stack(walk, 1) + FIRST, PAD), attention


def corrupt(seq, attention, gen=None):
    """BERT's recipe: of the chosen 20%, 80% become [MASK], 10% a random symbol, 10% stay. All other positions are ignored by the loss."""
    u = torch.rand(seq.shape, generator=gen)
    chosen = (u < 0.2) & (attention == 1)
    chosen[:, 3] = True  # each row has at least one target
    labels = torch.where(chosen, seq, -100)
    kind = torch.rand(seq.shape, generator=gen)
    randoms = torch.randint(FIRST, VOCAB, seq.shape, generator=gen)
    out = torch.where(chosen & (kind < 0.8), MASK, seq)
    out = torch.where(chosen & (kind >= 0.8) & (kind < 0.9), randoms, out)
    return out, labels


gen = torch.Generator().manual_seed(0)
seq, att = sequences(4000, gen)
# no walk in both parts: repeated ones are dropped before the split
rows, first = {}, []
for i, r in enumerate(seq.tolist()):
    if rows.setdefault(tuple(r), i) == i:
        first.append(i)
seq, att = seq[first], att[first]
Xtr, Atr, Xva, Ava = seq[:-500], att[:-500], seq[-500:], att[-500:]
val_in, val_labels = corrupt(Xva, Ava, torch.Generator().manual_seed(1))  # masked once: epochs are comparable

config = BertConfig(
    vocab_size=VOCAB,
    hidden_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=128,
    max_position_embeddings=LENGTH,
    type_vocab_size=1,
    pad_token_id=PAD,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)
model = BertForMaskedLM(config)
decay = [p for n, p in model.named_parameters() if p.ndim > 1]
plain = [p for n, p in model.named_parameters() if p.ndim <= 1]
opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], lr=2e-3)
EPOCHS, BATCH = 10, 100
steps = EPOCHS * -(-len(Xtr) // BATCH)
sched = get_linear_schedule_with_warmup(opt, num_warmup_steps=steps // 10, num_training_steps=steps)


@torch.no_grad()
def evaluate():
    model.eval()
    out = model(input_ids=val_in, attention_mask=Ava, labels=val_labels)
    at = val_labels != -100
    acc = (out.logits.argmax(2)[at] == val_labels[at]).float().mean().item()
    return out.loss.item(), acc


for epoch in range(1, EPOCHS + 1):
    model.train()
    total = 0.0
    for j in torch.randperm(len(Xtr)).split(BATCH):
        x, labels = corrupt(Xtr[j], Atr[j])  # a new mask each time
        loss = model(input_ids=x, attention_mask=Atr[j], labels=labels).loss
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        total += loss.item() * len(j)
    if epoch % 2 == 0:
        vl, acc = evaluate()
        print(f"epoch {epoch}: train {total / len(Xtr):.3f} val {vl:.3f} masked accuracy on unseen walks {acc:.3f}")
assert acc > 0.6
