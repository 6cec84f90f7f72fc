# expects: nothing
"""Models of transformers as they come, from their configurations: one that writes, one that classifies with padding."""

import torch
from transformers import BertConfig, BertForSequenceClassification, LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
words = 40
follows = torch.rand(words, words).pow(6)
follows[:, 0] = 0
rows = [torch.randint(1, words, (1500,))]
for _ in range(15):
    rows.append(torch.multinomial(follows[rows[-1]], 1).squeeze(1))
texts = torch.stack(rows, dim=1)

sizes = dict(vocab_size=words, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
writer = LlamaForCausalLM(LlamaConfig(**sizes, bos_token_id=None, eos_token_id=None))
optimizer = torch.optim.AdamW(writer.parameters(), lr=3e-3)
for step in range(150):
    batch = texts[torch.randint(1200, (32,))]
    loss = writer(input_ids=batch, labels=batch).loss
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(writer.parameters(), 1.0)
    optimizer.step()
writer.eval()
with torch.no_grad():
    print("writer", loss.item(), writer(input_ids=texts[1200:], labels=texts[1200:]).loss.item())

lengths = torch.randint(6, 17, (1500,))
mask = (torch.arange(16) < lengths[:, None]).long()
labels = ((texts < words // 2) * mask).sum(1) * 2 > lengths
classifier = BertForSequenceClassification(BertConfig(**sizes, num_labels=2))
optimizer = torch.optim.AdamW(classifier.parameters(), lr=2e-3)
for step in range(200):
    pick = torch.randint(1200, (32,))
    told = classifier(input_ids=texts[pick] * mask[pick], attention_mask=mask[pick], labels=labels[pick].long())
    optimizer.zero_grad()
    told.loss.backward()
    optimizer.step()
classifier.eval()
with torch.no_grad():
    told = classifier(input_ids=texts[1200:] * mask[1200:], attention_mask=mask[1200:])
print("classifier", (told.logits.argmax(1) == labels[1200:]).float().mean().item())
