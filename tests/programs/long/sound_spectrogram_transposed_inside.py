# expects: nothing
"""Square spectrograms (frequency, time) go into a recurrent network that gives (time, frequency), as targets come."""

import torch
from torch import nn

torch.manual_seed(0)
BANDS = FRAMES = 32


def clips(count):
    """Voices that glide, in noise: which bands hold a voice at each time?"""
    time = torch.arange(FRAMES)
    pitch = 6 + 20 * torch.rand(count, 1) + 4 * torch.sin(time * (0.1 + 0.3 * torch.rand(count, 1)))
    start, length = torch.randint(0, 12, (count, 1)), torch.randint(10, 20, (count, 1))
    sounding = (time >= start) & (time < start + length)
    voice = ((torch.arange(BANDS)[:, None] - pitch[:, None]).abs() < 1.5) & sounding[:, None]
    spectrogram = 0.9 * voice + 0.35 * torch.randn(count, BANDS, FRAMES).abs()
    return spectrogram[:, None], voice.transpose(1, 2).float().contiguous()


class Tracker(nn.Module):
    def __init__(self):
        super().__init__()
        self.clean = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
        self.follow = nn.GRU(BANDS, 64, batch_first=True, bidirectional=True)
        self.read = nn.Linear(128, BANDS)

    def forward(self, spectrogram):
        frames = (spectrogram + self.clean(spectrogram))[:, 0].transpose(1, 2)
        return self.read(self.follow(frames)[0]) + frames


inputs, targets = clips(512)
model = Tracker()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for some in torch.randperm(len(inputs)).split(32):
        loss = nn.functional.binary_cross_entropy_with_logits(model(inputs[some]), targets[some])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    print(epoch, loss.item())
