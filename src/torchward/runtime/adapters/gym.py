"""gymnasium: how episodes end, and what they brought; the single rewards in sampled steps alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
from gymnasium.wrappers import TimeLimit

from torchward.runtime import returns
from torchward.runtime.tensors import number

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.wrap import Patches

GROWTH = 1.2
"""Told of each time that there are so many times more episodes."""


class Episodes:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.lengths: Counter[int] = Counter()
        """Of those that ended before their limit of time."""
        self.cut = self.steps = self.next = 0
        self.rewards: dict[int, float] = {}
        """Environment -> the sum of its rewards in the episode under way."""
        self.returns: list[float] = []
        """Of the episodes that were not told of yet."""

    def resets(self, args: Any, _kwargs: Any) -> None:
        """An environment is about to begin anew: how long was the episode before?"""
        length, limit = args[0]._elapsed_steps, args[0]._max_episode_steps
        total = self.rewards.pop(id(args[0]), None)
        if not length:
            return
        if total is not None:
            self.returns.append(total)
        self.steps += length
        if length >= limit:
            self.cut += 1
        else:
            self.lengths[length] += 1
        ended = sum(self.lengths.values())
        if ended + self.cut >= self.next:
            self.next = int(GROWTH * (ended + self.cut)) + 1
            # The longest may have been cut off by the program itself.
            longest = self.lengths[max(self.lengths)] if self.lengths else 0
            mean = number(sum(self.returns) / len(self.returns)) if self.returns else None
            fields = {"t": self.steps, "l": self.cut, "r": mean, "s": self.recorder.step}
            self.recorder.row("ep", n=ended - longest, c=self.cut + longest, **fields)
            self.returns = []

    def stepped(self, _token: Any, result: Any, args: Any, _kwargs: Any) -> None:
        """An environment was acted in."""
        key, reward = id(args[0]), result[1]
        if isinstance(reward, torch.Tensor) and not reward.is_cpu:
            return  # reading it would wait for the device
        if not isinstance(reward, (int, float)) and getattr(reward, "shape", ()) not in ((), (1,)):
            return  # one for each of several aims, or agents
        self.rewards[key] = self.rewards.get(key, 0.0) + float(reward)
        if self.recorder.sampling:
            seen = self.recorder.inputs.rewards
            if len(seen) <= returns.MOST:
                seen.append((key, float(reward), bool(result[2] or result[3])))


def install(recorder: Recorder, patches: Patches) -> None:
    episodes = Episodes(recorder)
    patches.around(TimeLimit, "reset", recorder.guarded("gymnasium", episodes.resets), None)
    patches.around(TimeLimit, "step", None, recorder.guarded("gymnasium", episodes.stepped))
