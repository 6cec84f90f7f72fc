# bug: add_adapter does not activate the new LoRA adapter and set_adapter is missing in the training loop, so the second customer's data train the first customer's adapter
# expects: LLM026
"""One small encoder, one LoRA adapter per customer (peft), trained one after the other."""
import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import BertConfig, BertForSequenceClassification, set_seed

VOCAB, LENGTH, CLASSES = 60, 14, 4


def draw(n, rng, table):
    """A sentence gets the class whose marker words occur most often."""
    ids = rng.integers(4, VOCAB, size=(n, LENGTH))
    want = rng.integers(0, CLASSES, n)
    for i in range(n):
        marks = np.flatnonzero(table == want[i]) + 4
        at = rng.choice(LENGTH - 1, 4, replace=False) + 1
        ids[i, at] = rng.choice(marks, 4)
    ids[:, 0] = 1
    votes = np.stack([(np.where(ids >= 4, table[ids - 4], -1) == c).sum(1) for c in range(CLASSES)], 1)
    top = np.sort(votes, 1)
    keep = top[:, -1] > top[:, -2]
    return torch.tensor(ids[keep]), torch.tensor(votes[keep].argmax(1))


def run_epochs(model, data, lr, epochs, tag):
    x, y = data
    trainable = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(trainable, lr=lr, weight_decay=0.01)
    steps = epochs * -(-len(x) // 32)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 30) * max(0.0, 1 - s / steps))
    for ep in range(epochs):
        model.train()
        losses = []
        for idx in torch.randperm(len(x)).split(32):
            loss = model(input_ids=x[idx], labels=y[idx]).loss
            opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trainable, 1.0)
            opt.step()
            sched.step()
            losses.append(loss.item())
        print(f"[{tag}] epoch {ep + 1}: loss {np.mean(losses):.4f}")


@torch.no_grad()
def accuracy(model, data):
    model.eval()
    x, y = data
    return (model(input_ids=x).logits.argmax(1) == y).float().mean().item()


def main():
    set_seed(17)
    rng = np.random.default_rng(17)
    base_table = rng.permutation(np.arange(VOCAB - 4) % CLASSES)
    tables = {"acme": base_table.copy(), "borealis": base_table.copy()}
    for table in tables.values():       # every customer uses a third of the words in their own way
        moved = rng.choice(len(table), len(table) // 3, replace=False)
        table[moved] = (table[moved] + rng.integers(1, CLASSES, len(moved))) % CLASSES

    config = BertConfig(vocab_size=VOCAB, hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
                        intermediate_size=96, max_position_embeddings=LENGTH, num_labels=CLASSES)
    base = BertForSequenceClassification(config)
    run_epochs(base, draw(4000, rng, base_table), 2e-3, 4, "base")

    train = {name: draw(1600, rng, t) for name, t in tables.items()}
    test = {name: draw(1500, rng, t) for name, t in tables.items()}
    for name in tables:
        print(f"before adaptation: {name} acc {accuracy(base, test[name]):.4f}")

    lora = dict(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=["query", "value", "dense"],
                exclude_modules=["classifier"], task_type="SEQ_CLS")
    model = None
    for name in tables:
        if model is None:
            model = get_peft_model(base, LoraConfig(**lora), adapter_name=name)
        else:
            model.add_adapter(name, LoraConfig(**lora))
        run_epochs(model, train[name], 3e-3, 4, name)

    final = []
    for name in tables:
        model.set_adapter(name)
        final.append(accuracy(model, test[name]))
        print(f"adapter {name}: test acc {final[-1]:.4f}")
    print(f"mean over customers {np.mean(final):.4f}")


if __name__ == "__main__":
    main()
