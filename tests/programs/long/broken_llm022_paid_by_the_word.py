# expects: LLM022
"""Plain REINFORCE, word by word: a scorer gives marks for each word of a reply, and a reply's marks are added up."""

import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(2)
END, VOCAB, LIMIT, BATCH, STEPS = 1, 20, 16, 48, 70


class Speaker(nn.Module):
    def __init__(self, size=48):
        super().__init__()
        self.words, self.cell, self.out = nn.Embedding(VOCAB, size), nn.LSTMCell(size, size), nn.Linear(size, VOCAB)

    def forward(self, word, state=None):
        state = self.cell(self.words(word), state)
        return Categorical(logits=self.out(state[0])), state


marks = 0.5 + torch.rand(VOCAB, VOCAB)
speaker = Speaker()
nn.init.constant_(speaker.out.bias[END : END + 1].data, 1.0)
adam = torch.optim.Adam(speaker.parameters(), lr=2e-3)
for step in range(STEPS):
    subject = torch.randint(2, VOCAB, (BATCH,))
    word, state, going = subject, None, torch.ones(BATCH)
    logps, earned, said = [], torch.zeros(BATCH), torch.zeros(BATCH)
    for _ in range(LIMIT):
        choice, state = speaker(word, state)
        word = choice.sample()
        logps.append(choice.log_prob(word) * going)
        earned += marks[subject, word] * going
        said += going
        going = going * (word != END).float()
    gain = earned - earned.mean()
    loss = -(torch.stack(logps).sum(0) * gain).mean()
    adam.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(speaker.parameters(), 1.0)
    adam.step()
    if step % 10 == 0:
        print(f"step {step} reward {earned.mean():.2f} words {said.mean():.1f}")
