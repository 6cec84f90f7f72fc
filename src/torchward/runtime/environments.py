"""Environments that an agent acts in: how episodes end, what they brought, and single rewards in sampled steps.

They are gymnasium's, as far as those have a limit of time, and objects of the program's own: a class with a method
`step` (and mostly `reset`) that returns an observation, a reward and what says that the episode is over.
"""

from __future__ import annotations

import sys
from collections import Counter, deque
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from torchward.runtime import policies, returns
from torchward.runtime.observations import Observations
from torchward.runtime.rollouts import Rollouts
from torchward.runtime.tensors import _LIBRARY, number, of_user

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.wrap import Patches

GROWTH = 1.2
"""Told of each time that there are so many times more episodes."""
LAST_REWARDS, KINDS = 2_048, 8
COPIES = 256
"""Environments at most that one call of `step` acts in."""
FLAGS = (bool, np.bool_)
Array = Any
"""An array of numpy, one value for each copy of an environment."""


class Episodes:
    """Counts the episodes of all environments of this process."""

    def __init__(self, recorder: Recorder, rollouts: Rollouts) -> None:
        self.recorder = recorder
        self.rollouts = rollouts
        self.lengths: Counter[int] = Counter()
        """Of those that ended by themselves."""
        self.limited = self.cut = self.steps = self.next = 0
        self.returns: list[float] = []
        """Of the episodes that were not told of yet."""
        self.last_rewards: deque[float] = deque(maxlen=LAST_REWARDS)
        """Of steps at which a limit of time cut an episode off."""
        self.rollout = [-1, 0, 0]
        """Optimizer steps before the last ones in an environment that no such step lay between; how many these are, and
        how many of them ended an episode beyond doubt."""
        self.rewards: set[float] = set()
        """All different ones; too many to matter once there are more than `policies.KINDS`."""
        self.end_rewards: Counter[float] = Counter()
        """Of steps at which an episode ended by itself."""

    def acted(self, steps: int, ended: int) -> None:
        """So many copies of an environment were acted in."""
        if self.rollout[0] != self.recorder.step:
            self.rollout = [self.recorder.step, 0, 0]
            self.rollouts.begins()
        self.rollout[1] += steps
        self.rollout[2] += ended

    def end(self, length: int, total: float, last: float, limited: bool = False, cut: bool = False) -> None:
        """One of so many steps is over, with this last reward: by itself, at its limit of time, or cut off."""
        self.returns.append(total)
        self.steps += length
        if limited or cut:
            self.limited += limited
            self.cut += not limited
        else:
            self.lengths[length] += 1
            if len(self.end_rewards) <= KINDS:
                self.end_rewards[number(last)] += 1
        ended = sum(self.lengths.values())
        if ended + self.limited + self.cut >= self.next:
            self.next = int(GROWTH * (ended + self.limited + self.cut)) + 1
            # The longest may have been cut off by the program itself.
            longest = self.lengths[max(self.lengths)] if self.lengths else 0
            mean = number(sum(self.returns) / len(self.returns))
            fields = {"t": self.steps, "l": self.limited, "r": mean, "s": self.recorder.step}
            self.recorder.row("ep", n=ended - longest, c=self.limited + self.cut + longest, **fields)
            self.returns = []


class Acted:
    """The episode under way in an environment, in each of its copies if there are several."""

    __slots__ = ("again", "ended", "fresh", "last", "length", "total")

    def __init__(self) -> None:
        self.length: Any = 0
        """Steps, ..."""
        self.total: Any = 0.0
        """... and the sum of their rewards."""
        self.last = 0.0
        self.fresh = False
        """It was begun anew since the last step, ..."""
        self.again = False
        """... or in it."""
        self.ended = False
        """The last step was the last of an episode, and nothing has begun anew."""


class Environments:
    """Finds the classes of the program's own that are acted in, and follows their objects."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.rollouts = Rollouts(recorder)
        self.episodes = Episodes(recorder, self.rollouts)
        self.observations = Observations(recorder)
        self.acting: Any = None
        """The outermost environment that is acted in at the moment: those within it are not counted again."""
        self.limited = False
        """One within it is at its limit of time."""
        self.together = False
        """Copies of gymnasium's are acted in at once: a rollout is made of what they return together."""
        self.running: dict[int, Acted] = {}
        self.others: set[type] = set()
        """Classes that have such methods, but are none."""
        self.guarded_acts, self.guarded_acted, self.guarded_begins = (
            recorder.guarded("environments", one) for one in (self.acts, self.acted, self.begins)
        )
        self._sizes: tuple[int, int] = (0, 0)
        self._known: set[type] = set()

    def look(self, patches: Patches) -> None:
        """Follow the classes that the program has defined by now."""
        global _followed
        _followed = self
        sizes = len(sys.modules), len(vars(sys.modules["__main__"]))
        if sizes == self._sizes:
            return
        self._sizes = sizes
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and not file.startswith(_LIBRARY) and of_user(file):
                for value in list(vars(module).values()):
                    if isinstance(value, type) and value not in self._known:
                        self._known.add(value)
                        if value.__module__ == module.__name__:
                            self._follow(value, patches)
                            self.recorder.meters.follow(value, patches)
        self.recorder.meters.follow_library(patches)

    def _follow(self, owner: type, patches: Patches) -> None:
        if not callable(getattr(owner, "step", None)) or issubclass(owner, (nn.Module, torch.optim.Optimizer)):
            return
        library = sys.modules.get("gymnasium")
        if library is not None and issubclass(owner, (library.Wrapper, library.vector.VectorEnv)):
            return  # what it wraps is followed
        for name, before, after in (("step", _acts, _acted), ("reset", _begins, None)):
            if isinstance(vars(owner).get(name), FunctionType):
                patches.around(owner, name, before, after)

    def _state(self, environment: Any) -> Acted:
        key = id(environment)
        state = self.running.get(key)
        if state is None:
            state = self.running[key] = Acted()
        return state

    def begins(self, args: Any, _kwargs: Any) -> None:
        state = self._state(args[0])
        if self.acting is args[0]:
            state.again = True
        else:
            state.fresh = True

    def acts(self, args: Any, _kwargs: Any) -> bool:
        """An environment is about to be acted in: it is not part of another."""
        if self.acting is not None:
            return False
        self.acting, self.limited = args[0], False
        return True

    def _did(self, args: Any) -> None:
        """What was done in an environment."""
        if self.recorder.sampling and len(args) == 2:
            self.rollouts.actions.acted(args[1], self.recorder.models.sees_all)

    def acted(self, outermost: bool, result: Any, args: Any, _kwargs: Any) -> None:
        if not outermost:
            return
        environment, self.acting = args[0], None
        self._did(args)
        kind = type(environment)
        if kind in self.others:
            return
        state = self._state(environment)
        plausible = isinstance(result, tuple) and len(result) > 1
        if not plausible or (state.ended and not state.fresh):  # it went on after what looked like an end
            self.others.add(kind)
            return
        reward, second = result[1], result[3] if len(result) > 3 else None
        one = type(reward) in (float, int) and type(result[2] if len(result) > 2 else None) is bool
        if one and not isinstance(state.length, np.ndarray):
            self._one(state, environment, reward, result[2], second if type(second) is bool else None)
        else:
            self._several(state, environment, result)

    def _one(self, state: Acted, environment: Any, reward: float, over: bool, second: bool | None) -> None:
        if state.fresh:
            self._cut(state)
            state.fresh = state.ended = False
        state.length += 1
        state.total += reward
        if reward not in self.episodes.rewards and len(self.episodes.rewards) <= policies.KINDS:
            self.episodes.rewards.add(reward)
        limited, both = not over and bool(second), over and bool(second)
        self.episodes.acted(1, over and not both)
        if self.recorder.sampling:
            ended = np.array([over and not second]) if second is not None else None  # one flag may tell of a limit too
            self._saw(environment, np.array([float(reward)]), np.array([over or limited]), ended)
        if over or limited:
            if limited:
                self.episodes.last_rewards.append(float(reward))
            self.episodes.end(state.length, state.total, float(reward), limited=limited or self.limited, cut=both)
            state.length, state.total = 0, 0.0
            state.ended, state.again = not state.again, False
        elif state.again:
            state.fresh, state.again = True, False

    def _several(self, state: Acted, environment: Any, result: tuple[Any, ...]) -> None:
        """A step in copies of an environment, or with a reward or an end that numpy or torch made."""
        rewards = _values(result[1])
        found = [_flags(one, len(rewards)) for one in result[2:4]] if rewards is not None else []
        flags = [one for one in found if one is not None]
        alike = rewards is not None and np.shape(state.length) in ((), rewards.shape)
        if rewards is None or not alike or not (flags or hasattr(environment, "reset")):
            self.others.add(type(environment))  # none, or one of now more, now fewer copies
        elif len(rewards) == 1 and flags:
            second = bool(flags[1][0]) if len(flags) > 1 else None
            self._one(state, environment, float(rewards[0]), bool(flags[0][0]), second)
        else:
            if state.fresh:
                self._cut(state)
                state.fresh = False
            ended = flags[0] & ~flags[1] if len(flags) == 2 else np.zeros(len(rewards), dtype=bool)
            self.episodes.acted(len(rewards), int(ended.sum()))
            over = np.logical_or.reduce(flags) if flags else np.zeros(len(rewards), dtype=bool)
            state.length, state.total = state.length + np.ones(len(rewards), dtype=int), state.total + rewards
            if len(self.episodes.rewards) <= policies.KINDS:
                self.episodes.rewards.update(rewards.tolist())
            if self.recorder.sampling:
                self._saw(environment, rewards, over, ended if len(flags) == 2 else None)
            # Copies go on without a call: only where two flags say that an episode is over is it clear that it is.
            for place in np.flatnonzero(over).tolist() if len(flags) == 2 else ():
                limited, both = self.limited or not flags[0][place], bool(flags[0][place] and flags[1][place])
                if limited:
                    self.episodes.last_rewards.append(float(rewards[place]))
                total, last = float(state.total[place]), float(rewards[place])
                self.episodes.end(int(state.length[place]), total, last, limited=limited, cut=both)
                state.length[place], state.total[place] = 0, 0.0

    def _cut(self, state: Acted) -> None:
        """The program begins anew: what was under way is over."""
        for length, total in zip(np.atleast_1d(state.length), np.atleast_1d(state.total), strict=True):
            if length:
                self.episodes.end(int(length), float(total), 0.0, cut=True)
        state.length, state.total = 0, 0.0

    def _saw(self, environment: Any, rewards: Array, over: Array, ended: Array | None) -> None:
        if not self.together:
            self.rollouts.acted(environment, rewards, over, ended)
        seen = self.recorder.inputs.rewards
        if len(seen) <= returns.MOST:
            seen.append((id(environment), rewards, over))

    def time_limit_resets(self, args: Any, _kwargs: Any) -> None:
        """A `TimeLimit` of gymnasium is about to begin anew."""
        length, limit = args[0]._elapsed_steps, args[0]._max_episode_steps
        state = self.running.get(id(args[0]))
        if state is not None and state.length and self.acting is None:
            self.episodes.end(state.length, state.total, state.last, limited=bool(length and length >= limit))
            state.length, state.total = 0, 0.0

    def time_limit_acted(self, outermost: bool, result: Any, args: Any, _kwargs: Any) -> None:
        self.observations.handed(args[0], result)
        if not outermost:
            self.limited = self.limited or bool(result[3] and not result[2])
            return
        self.acting = None
        self._did(args)
        reward = result[1]
        if type(reward) not in (float, int):
            rewards = _values(reward)
            if rewards is None or len(rewards) != 1:
                return
            reward = float(rewards[0])
        state = self._state(args[0])
        state.length += 1
        state.total += reward
        state.last = float(reward)
        self.episodes.acted(1, bool(result[2] and not result[3]))
        if reward not in self.episodes.rewards and len(self.episodes.rewards) <= policies.KINDS:
            self.episodes.rewards.add(reward)
        if result[3] and not result[2]:
            self.episodes.last_rewards.append(float(reward))
        if self.recorder.sampling:
            ended = np.array([bool(result[2] and not result[3])])
            self._saw(args[0], np.array([float(reward)]), np.array([bool(result[2] or result[3])]), ended)

    def vector_acts(self, _args: Any, _kwargs: Any) -> None:
        """Copies of gymnasium's are about to be acted in at once."""
        self.together = True

    def vector_acted(self, _token: Any, result: Any, args: Any, _kwargs: Any) -> None:
        self.together = False
        self.observations.handed(args[0], result)
        rewards = _values(result[1]) if self.recorder.sampling else None
        if rewards is None:
            return
        ended, limited = (_flags(one, len(rewards)) for one in result[2:4])
        if ended is not None and limited is not None:
            self.rollouts.acted(args[0], rewards, ended | limited, ended & ~limited)


_followed: Environments | None = None
"""Those of this process. What is put around methods of the program's classes holds nothing of the recorder, for such a
class may be sent to another process by value, with its methods."""


def _acts(args: Any, kwargs: Any) -> Any:
    return _followed.guarded_acts(args, kwargs) if _followed is not None else None


def _acted(token: Any, result: Any, args: Any, kwargs: Any) -> None:
    if _followed is not None:
        _followed.observations.handed(args[0], result)
        if token:
            _followed.guarded_acted(token, result, args, kwargs)


def _begins(args: Any, kwargs: Any) -> None:
    if _followed is not None:
        _followed.guarded_begins(args, kwargs)


def _values(reward: Any) -> Array | None:
    """Rewards, one for each copy that was acted in; None: something else, or on a device that would be waited for."""
    if isinstance(reward, torch.Tensor):
        if not reward.is_cpu or reward.requires_grad:
            return None
        reward = reward.numpy()
    elif isinstance(reward, bool) or not isinstance(reward, (int, float, np.ndarray, np.generic)):
        return None
    found = np.asarray(reward)
    fits = found.ndim < 2 and found.dtype.kind in "fiu" and 0 < found.size <= COPIES
    return found.reshape(-1).astype(float) if fits else None


def _flags(value: Any, count: int) -> Array | None:
    """What says of each of so many copies that its episode is over."""
    if isinstance(value, FLAGS):
        return np.full(count, bool(value))
    if isinstance(value, torch.Tensor):
        if not value.is_cpu or value.requires_grad:
            return None
        value = value.numpy()
    if isinstance(value, np.ndarray) and value.size == count and value.ndim < 2:
        if value.dtype == np.bool_:
            return value.reshape(-1).copy()
        if count > 1 and value.dtype.kind in "fiu" and bool(((value == 0) | (value == 1)).all()):
            return value.reshape(-1) != 0
    return None
