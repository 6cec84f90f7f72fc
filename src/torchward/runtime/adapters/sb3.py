"""stable-baselines3: what its algorithms log, the rollouts and replays behind it, and how they are evaluated.

Everything is read when a log is written, once per rollout or per few episodes; per step of the environment at most a
counter goes up.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common import base_class, logger, off_policy_algorithm, on_policy_algorithm
from stable_baselines3.common.vec_env import VecNormalize

from torchward.runtime.tensors import caller, number

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.wrap import Patches

ROWS_BEFORE_THINNING = 128
"""Logs of one learner that are all kept; of later ones ever fewer."""
ROWS_LOOKED_AT = 2_048
"""Newest transitions of a replay buffer whose statistics are taken."""
FIRST_REPORT = 32
"""Calls of `predict` after which an evaluation is first told of; then each time that they have doubled."""
SETTINGS = (
    *("gamma", "learning_rate", "n_steps", "batch_size", "n_epochs", "clip_range", "target_kl", "gae_lambda"),
    *("ent_coef", "vf_coef", "max_grad_norm", "tau", "buffer_size", "learning_starts", "target_update_interval"),
    *("exploration_initial_eps", "exploration_final_eps", "exploration_fraction"),
)


class _Known:
    """One algorithm."""

    def __init__(self, index: int, algorithm: Any) -> None:
        self.index = index
        self.ref = weakref.ref(algorithm)
        self.logs = self.predicted = self.normalised = self.updating = 0
        self.asked = 0
        """Steps that all calls of `learn` together were asked for."""
        self.begun = -1
        """Steps behind it when it was first asked."""
        self.before = self.seen = 0
        """Steps of calls that were followed by one that counts from 0 again; steps at the last log."""


class Baselines:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[int, _Known] = {}
        self.collecting = 0
        """Above 0 while some algorithm plays in its training environment."""
        self.evaluated: _Known | None = None
        """Whose `predict` was called last, outside of that."""
        self.normaliser: weakref.ref[Any] | None = None
        """What normalised observations last, outside of that."""
        self.collectors: set[Any] = set()
        """The functions that collect and are watched: an algorithm with one of its own is not told from evaluation."""

    def know(self, algorithm: Any) -> _Known:
        known = self.known.get(id(algorithm))
        if known is None or known.ref() is not algorithm:
            known = self.known[id(algorithm)] = _Known(self.recorder.next_index("learner"), algorithm)
            self.recorder.row(
                "learner", i=known.index, algorithm=type(algorithm).__name__, site=self.recorder.site(caller(1))
            )
        return known

    # -- `learn` begins

    def begins(self, _token: Any, result: Any, args: Any, _kwargs: Any) -> None:
        algorithm = args[0]
        known = self.know(algorithm)
        space, observed = algorithm.action_space, algorithm.observation_space
        bounded = hasattr(space, "low") and np.all(np.isfinite(space.low)) and np.all(np.isfinite(space.high))
        normaliser = algorithm.get_vec_normalize_env()
        done = int(algorithm.num_timesteps)
        known.asked += int(result[0]) - done
        if known.begun < 0:
            known.begun = done
        if done < known.seen:
            known.before, known.seen = known.before + known.seen, done
        settings = {}
        for name in SETTINGS:
            value = getattr(algorithm, name, None)
            if callable(value):  # a schedule over the share of training that remains
                value = value(1.0)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                settings[name] = number(float(value))
        self.recorder.row(
            "learner",
            i=known.index,
            site=self.recorder.site(caller(1)),
            total=int(result[0]),
            asked=known.asked,
            begun=known.begun,
            set=settings,
            n=int(space.n) if hasattr(space, "n") else None,
            bounds=[float(space.low.min()), float(space.high.max())] if bounded else None,
            squash=bool(getattr(algorithm.policy, "squash_output", False)),
            image=len(observed.shape or ()) == 3,
            no=normaliser is not None and bool(normaliser.norm_obs),
            nr=normaliser is not None and bool(normaliser.norm_reward),
        )

    # -- what is logged

    def logs(self, args: Any, _kwargs: Any) -> None:
        """`Logger.dump` is about to write, and to forget, what was recorded."""
        for known in list(self.known.values()):
            algorithm = known.ref()
            if algorithm is not None and getattr(algorithm, "_logger", None) is args[0]:
                known.logs += 1
                if known.logs % (1 + known.logs // ROWS_BEFORE_THINNING) == 0:
                    self.recorder.timed(self._log, known, algorithm, args[0])
                return

    def _log(self, known: _Known, algorithm: Any, written: Any) -> None:
        known.seen = int(algorithm.num_timesteps)
        self.recorder.row(
            "rl",
            i=known.index,
            t=known.before + known.seen,
            u=int(getattr(algorithm, "_n_updates", 0)),
            v={
                name: number(float(value))
                for name, value in written.name_to_value.items()
                if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
            },
            b={name: number(value) for name, value in _batch(algorithm).items()},
        )

    # -- outside of training

    def collects(self, _args: Any, _kwargs: Any) -> int:
        self.collecting += 1
        return 0

    def collected(self, _token: Any, _result: Any, _args: Any, _kwargs: Any) -> None:
        self.collecting -= 1

    def predicts(self, args: Any, _kwargs: Any) -> None:
        """One of the algorithm's own calls, one for each step of an environment."""
        if self.collecting:
            return
        known = self.evaluated
        if known is None or known.ref() is not args[0]:
            if type(args[0]).collect_rollouts not in self.collectors:
                return
            known = self.evaluated = self.know(args[0])
        known.predicted += 1
        if known.predicted >= FIRST_REPORT and known.predicted & (known.predicted - 1) == 0:
            self.recorder.timed(self._evaluation, known, args[0])

    def _evaluation(self, known: _Known, algorithm: Any) -> None:
        normaliser: Any = algorithm.get_vec_normalize_env()
        statistics: Any = getattr(normaliser, "obs_rms", None)
        shift = apart = None
        if normaliser is not None and normaliser.norm_obs and hasattr(statistics, "var"):
            deviation = np.sqrt(statistics.var + normaliser.epsilon)
            shift = _moved(statistics.mean, deviation, 0.0, 1.0)
            other: Any = self.normaliser() if self.normaliser is not None else None
            theirs: Any = getattr(other, "obs_rms", None)
            if hasattr(theirs, "var") and theirs.mean.shape == statistics.mean.shape:
                apart = _moved(statistics.mean, deviation, theirs.mean, np.sqrt(theirs.var + other.epsilon))
        self.recorder.row(
            "learner",
            i=known.index,
            ev=[known.predicted, known.normalised, known.updating],
            es=self.recorder.site(caller(1)),
            shift=shift,
            apart=apart,
        )

    def normalises(self, args: Any, _kwargs: Any) -> None:
        if self.evaluated is not None and not self.collecting:
            self.evaluated.normalised += 1
            self.normaliser = weakref.ref(args[0])

    def steps(self, args: Any, _kwargs: Any) -> None:
        if self.evaluated is not None and not self.collecting and args[0].training:
            self.evaluated.updating += 1


def _moved(mean: Any, deviation: Any, other_mean: Any, other_deviation: Any) -> float | None:
    """The largest of the difference in deviations, and of the powers of two between these."""
    scale = np.max(np.abs(np.log2(deviation / other_deviation)))
    return number(float(max(np.max(np.abs(mean - other_mean) / deviation), scale)))


def _batch(algorithm: Any) -> dict[str, float]:
    """Figures of the rollout just collected, or of the newest transitions in the replay buffer."""
    found: dict[str, float] = {}
    rollout, replay = getattr(algorithm, "rollout_buffer", None), getattr(algorithm, "replay_buffer", None)
    if rollout is not None and rollout.full:
        buffer, part = rollout, slice(None)
        found["return_std"] = float(np.std(rollout.returns))
        found["value_max"] = float(np.max(np.abs(rollout.values)))
        space = algorithm.action_space
        if hasattr(space, "low") and not getattr(algorithm.policy, "squash_output", False):
            actions = rollout.actions.reshape(-1, *space.shape)
            found["clipped"] = float(np.mean((actions < space.low) | (actions > space.high)))
    elif replay is not None and replay.pos:
        buffer, part = replay, slice(max(0, replay.pos - ROWS_LOOKED_AT), replay.pos)
    else:
        return found
    rewards = buffer.rewards[part]
    found["reward_max"] = float(np.max(np.abs(rewards)))
    found["reward_std"] = float(np.std(rewards))
    return found


def install(recorder: Recorder, patches: Patches) -> None:
    watched = Baselines(recorder)

    def guard(function: Any) -> Any:
        return recorder.guarded("stable-baselines3", function)

    patches.around(base_class.BaseAlgorithm, "_setup_learn", None, guard(watched.begins))
    patches.around(off_policy_algorithm.OffPolicyAlgorithm, "_setup_learn", None, guard(watched.begins))
    patches.around(logger.Logger, "dump", guard(watched.logs), None)
    for owner in (on_policy_algorithm.OnPolicyAlgorithm, off_policy_algorithm.OffPolicyAlgorithm):
        patches.around(owner, "collect_rollouts", guard(watched.collects), guard(watched.collected))
        watched.collectors.add(owner.collect_rollouts)
    patches.around(base_class.BaseAlgorithm, "predict", guard(watched.predicts), None)
    patches.around(VecNormalize, "normalize_obs", guard(watched.normalises), None)
    patches.around(VecNormalize, "step_wait", guard(watched.steps), None)
