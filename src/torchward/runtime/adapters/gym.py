"""gymnasium: how episodes end, looked at when an environment is reset; and its rewards, in sampled steps alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from gymnasium.wrappers import TimeLimit

from torchward.runtime import returns
from torchward.runtime.wrap import around

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

    def resets(self, args: Any, _kwargs: Any) -> None:
        """An environment is about to begin anew: how long was the episode before?"""
        length, limit = args[0]._elapsed_steps, args[0]._max_episode_steps
        if not length:
            return
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
            self.recorder.row("ep", n=ended - longest, c=self.cut + longest, t=self.steps, l=self.cut)

    def stepped(self, _token: Any, result: Any, args: Any, _kwargs: Any) -> None:
        """In sampled steps: an environment was acted in."""
        seen = self.recorder.inputs.rewards
        if len(seen) <= returns.MOST:
            seen.append((id(args[0]), float(result[1]), bool(result[2] or result[3])))


def install(recorder: Recorder, patches: Patches) -> None:
    episodes = Episodes(recorder)
    patches.around(TimeLimit, "reset", recorder.guarded("gymnasium", episodes.resets), None)
    stepped = around(TimeLimit.step, None, recorder.guarded("gymnasium", episodes.stepped))
    recorder.stand_ins.append((TimeLimit, "step", stepped))
