# expects: nothing
import random

import torch
from torch.utils.data import DataLoader
from transformers import BertConfig, BertForSequenceClassification, get_linear_schedule_with_warmup

LEARNING_RATE = 1e-3
BATCH_SIZE = 32
EPOCHS = 4
MAX_LEN = 24
PAD, CLS = 0, 1

TEAMS = {
    "billing": "invoice refund charge card payment receipt price plan coupon tax".split(),
    "network": "router vpn wifi latency dns packet cable firewall signal proxy".split(),
    "account": "login password email profile username signin token locked reset avatar".split(),
    "hardware": "keyboard screen battery fan laptop mouse charger dock printer monitor".split(),
}
FILLER = ("the my a please since today cannot again still not working it is help with on and "
          "after was before when need hello thanks team issue problem update this morning").split()
NAMES = list(TEAMS)
VOCAB = {w: i + 2 for i, w in enumerate(sorted(set(FILLER + sum(TEAMS.values(), []))))}


def write_ticket(rng):
    label = rng.randrange(len(NAMES))
    length = rng.randint(10, MAX_LEN - 1)
    words = [rng.choice(FILLER) for _ in range(length)]
    own = rng.sample(range(length), 4)
    for pos in own[:3]:
        words[pos] = rng.choice(TEAMS[NAMES[label]])
    words[own[3]] = rng.choice(TEAMS[rng.choice(NAMES)])
    if rng.random() < 0.06:
        label = rng.randrange(len(NAMES))
    return words, label


def collate(batch):
    width = 1 + max(len(words) for words, _ in batch)
    ids = torch.full((len(batch), width), PAD)
    for row, (words, _) in enumerate(batch):
        ids[row, : len(words) + 1] = torch.tensor([CLS] + [VOCAB[w] for w in words])
    return {
        "input_ids": ids,
        "attention_mask": (ids != PAD).long(),
        "labels": torch.tensor([label for _, label in batch]),
    }


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    hits = seen = 0
    for batch in loader:
        labels = batch.pop("labels")
        hits += (model(**batch).logits.argmax(-1) == labels).sum().item()
        seen += len(labels)
    return hits / seen


def main():
    torch.manual_seed(0)
    rng = random.Random(0)
    train = [write_ticket(rng) for _ in range(3200)]
    test = [write_ticket(rng) for _ in range(800)]
    train_loader = DataLoader(train, batch_size=BATCH_SIZE, shuffle=True, collate_fn=collate)
    test_loader = DataLoader(test, batch_size=100, collate_fn=collate)

    config = BertConfig(
        vocab_size=len(VOCAB) + 2, hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=128, max_position_embeddings=MAX_LEN, num_labels=len(NAMES), pad_token_id=PAD,
    )
    model = BertForSequenceClassification(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    steps = EPOCHS * len(train_loader)
    schedule = get_linear_schedule_with_warmup(optimizer, int(0.06 * steps), steps)

    step = 0
    for epoch in range(EPOCHS):
        model.train()
        for batch in train_loader:
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step += 1
            if step % 50 == 0:
                print(f"step {step}/{steps} loss {loss.item():.3f}")
        print(f"epoch {epoch + 1}: test accuracy {accuracy(model, test_loader):.3f}")


if __name__ == "__main__":
    main()
