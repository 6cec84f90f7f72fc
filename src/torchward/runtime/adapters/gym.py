"""gymnasium: how the episodes of environments that have a limit of time end, and what they brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder
    from torchward.runtime.wrap import Patches


def install(recorder: Recorder, patches: Patches) -> None:
    guard, environments = recorder.guarded, recorder.environments
    patches.around(TimeLimit, "reset", guard("gymnasium", environments.time_limit_resets), None)
    acts, acted = guard("gymnasium", environments.acts), guard("gymnasium", environments.time_limit_acted)
    patches.around(TimeLimit, "step", acts, acted)
    acts, acted = guard("gymnasium", environments.vector_acts), guard("gymnasium", environments.vector_acted)
    for owner in (SyncVectorEnv, AsyncVectorEnv):
        patches.around(owner, "step", acts, acted)
