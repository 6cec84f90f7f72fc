# expects: nothing
import numpy as np
import torch
from peft import LoraConfig, TaskType, get_peft_model
from transformers import BertConfig, BertForSequenceClassification, set_seed

VOCAB, LEN, TOPICS = 200, 24, 8
CLS = 1


def topic_table(rng):
    table = np.full((TOPICS, VOCAB), 1.0)
    for k in range(TOPICS):
        table[k, rng.choice(np.arange(2, VOCAB), 14, replace=False)] += 9.0
    table[:, :2] = 0
    return table / table.sum(1, keepdims=True)


def draw(n, table, rng):
    pairs = np.stack([rng.permutation(TOPICS)[:2] for _ in range(n)])
    ids = np.empty((n, LEN), dtype=np.int64)
    ids[:, 0] = CLS
    for i, (a, b) in enumerate(pairs):
        body = np.concatenate([rng.choice(VOCAB, 15, p=table[a]), rng.choice(VOCAB, LEN - 16, p=table[b])])
        ids[i, 1:] = rng.permutation(body)
    return torch.from_numpy(ids), torch.from_numpy(pairs)


def batches(ids, labels, size, gen):
    for idx in torch.randperm(len(ids), generator=gen).split(size):
        yield ids[idx], labels[idx]


@torch.no_grad()
def accuracy(model, ids, labels):
    model.eval()
    hits = sum((model(input_ids=a).logits.argmax(-1) == b).sum().item() for a, b in zip(ids.split(250), labels.split(250)))
    return hits / len(ids)


def train(model, opt, ids, labels, epochs, gen, tag):
    step = 0
    for epoch in range(epochs):
        model.train()
        for a, b in batches(ids, labels, 32, gen):
            loss = model(input_ids=a, labels=b).loss
            opt.zero_grad()
            loss.backward()
            opt.step()
            step += 1
            if step % 40 == 0:
                print(f"[{tag}] epoch {epoch} step {step} loss {loss.item():.3f}")


def pretrain(ids, labels, gen):
    cfg = BertConfig(vocab_size=VOCAB, hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
                     intermediate_size=128, max_position_embeddings=LEN, num_labels=TOPICS)
    model = BertForSequenceClassification(cfg)
    train(model, torch.optim.AdamW(model.parameters(), lr=7e-4), ids, labels, 5, gen, "base")
    return model


def adapt(model, ids, labels, gen):
    lora = LoraConfig(task_type=TaskType.SEQ_CLS, r=8, lora_alpha=16, lora_dropout=0.0,
                      target_modules=["query", "value"])
    model = get_peft_model(model, lora)
    opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    model.print_trainable_parameters()
    train(model, opt, ids, labels, 8, gen, "lora")
    return model


def main():
    set_seed(5)
    rng = np.random.default_rng(5)
    gen = torch.Generator().manual_seed(5)
    table = topic_table(rng)
    base_ids, base_pairs = draw(3200, table, rng)
    model = pretrain(base_ids, base_pairs[:, 0], gen)

    queue_of_topic = torch.tensor([3, 0, 2, 1, 0, 3, 1, 2])
    ids, pairs = draw(2800, table, rng)
    queues = queue_of_topic[pairs[:, 0]]
    model = adapt(model, ids[:1600], queues[:1600], gen)
    print(f"held-out queue accuracy {accuracy(model, ids[1600:], queues[1600:]):.3f}")


if __name__ == "__main__":
    main()
