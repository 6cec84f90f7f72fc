"""Watches training that goes on from a checkpoint: the rate and the counts in there, and those that it goes on with.

Everything is noted where the program itself loads or saves, and once at the first step after a load.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch

from torchward.runtime.checkpoints import path_of
from torchward.runtime.tensors import caller, number, plain, setting

if TYPE_CHECKING:
    from torchward.runtime.optimizers import Opt
    from torchward.runtime.recorder import Recorder

LIMIT = 32
SAVES = 64
"""Latest saves that are remembered."""
COUNTERS = 8
STATES = 4
"""Parameters whose count of steps is read."""
RUNNING = ("last_epoch", "_step_count", "_last_lr", "_is_initial", "_get_lr_called_within_step", "verbose")
"""Entries of a schedule's state that change while it runs; the others are how it was set up."""


class Resumes:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.loads: list[dict[str, Any]] = []
        self.waiting: dict[int, list[dict[str, Any]]] = {}
        """Number of an optimizer -> loads after which it has not stepped yet."""
        self.opened: dict[str, Any] = {}
        """What stands in the checkpoint that was opened last."""
        self.saves: list[dict[str, Any]] = []
        self.stepped, self.write_counts = (
            recorder.guarded("resumes", one) for one in (self._stepped, self._write_counts)
        )

    def loaded(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """`torch.load` gave back `result`."""
        if self.recorder.inside or len(self.loads) >= LIMIT:
            return
        self.opened = {}
        if not _states(result):
            return
        schedules = [one for one in result.values() if isinstance(one, dict) and "_step_count" in one]
        self.opened = {
            **_described(result, path_of(args[0] if args else kwargs.get("f"))),
            "site": self.recorder.site(caller(3)),
            "ids": {id(one): _rate(one["param_groups"]) for one in _states(result)},
            "schedules": [_setup(one) for one in schedules],
        }

    def putting_back(self, optimizer: Any) -> float:
        """A state dict is about to be loaded into an optimizer: the rate that it has been made with."""
        return _rate(optimizer.param_groups)

    def put_back(self, before: float | None, optimizer: Any, state: Any) -> None:
        opened, recorder = self.opened, self.recorder
        opt = recorder.optimizers.find(optimizer)
        if opt is None or recorder.inside or len(self.loads) >= LIMIT or id(state) not in opened.get("ids", ()):
            return
        groups = optimizer.param_groups
        if opened["ids"][id(state)] != _rate(groups):
            return  # another object in the same place of memory
        saved = [one for one in self.saves if all(one[key] == opened[key] for key in ("folder", "keys", "n", "lr"))]
        load = {
            "s": recorder.step,
            "site": opened["site"],
            "o": opt.index,
            "before": before,
            "lr": opened["lr"],
            "peak": max((setting(group["initial_lr"]) for group in groups if "initial_lr" in group), default=None),
            "taken": _steps(optimizer),
            "saved": saved[-1]["s"] if saved else None,
            "n": opened["n"],
            "then": None,
            "first": None,
            "made": [],
        }
        load["key"] = opened["folder"], opened["keys"]
        load["schedules"] = opened["schedules"]
        self.loads.append(load)
        self.waiting.setdefault(opt.index, []).append(load)
        recorder.optimizers.not_alone()  # its next step is told of

    def _stepped(self, opt: Opt, optimizer: Any) -> None:
        """The first step since a load."""
        for load in self.waiting.pop(opt.index, ()):
            load["first"] = _rate(optimizer.param_groups)
            for known in self.recorder.optimizers.schedulers.known.values():
                scheduler = known.ref()
                if known.opt is not opt or scheduler is None:
                    continue
                own = _setup(vars(scheduler))
                stood = next((one["at"] for one in load["schedules"] if one["set"] == own["set"]), None)
                load["made"].append([known.index, getattr(scheduler, "last_epoch", None), stood])

    def saved(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """`torch.save` was called."""
        value: Any = args[0] if args else kwargs.get("obj")
        if self.recorder.inside or not _states(value):
            return
        file = path_of(args[1] if len(args) > 1 else kwargs.get("f"))
        one = {**_described(value, file), "s": self.recorder.step}
        self.saves = [*self.saves[1 - SAVES :], one]
        for load in self.loads:
            if load["then"] is None and load["first"] is not None and load["key"] == (one["folder"], one["keys"]):
                load["then"] = one["n"]

    def _write_counts(self) -> None:
        for index, load in enumerate(self.loads):
            if load["first"] is None:
                continue
            state = {key: value for key, value in load.items() if key not in ("key", "schedules", "sent")}
            state["made"] = [[*one, *self._reached(one[0])] for one in load["made"]]
            if state != load.get("sent"):
                load["sent"] = state
                self.recorder.row("resumed", i=index, **state)

    def _reached(self, index: int) -> tuple[int | None, int]:
        """Where a scheduler stood after its last step, and how often it has stepped."""
        for known in self.recorder.optimizers.schedulers.known.values():
            if known.index == index:
                return known.place, known.steps
        return None, 0


def _states(value: Any) -> list[dict[str, Any]]:
    """The state dicts of optimizers in a checkpoint."""
    parts = [one for one in list(value.values())[:LIMIT] if isinstance(one, dict)] if type(value) is dict else []
    return [one for one in parts if "state" in one and isinstance(one.get("param_groups"), list)]


def _described(value: dict[Any, Any], file: str) -> dict[str, Any]:
    """The whole numbers in a checkpoint, and its rate."""
    numbers = [(str(key), one) for key, one in value.items() if type(one) is int and one >= 0]
    return {
        "folder": os.path.dirname(file),
        "keys": sorted(map(str, value)),
        "n": dict(numbers[:COUNTERS]),
        "lr": _rate(_states(value)[0]["param_groups"]),
    }


def _rate(groups: list[dict[str, Any]]) -> float:
    """The largest rate of its groups."""
    return number(max((setting(group.get("lr")) for group in groups), default=0.0))


def _steps(optimizer: torch.optim.Optimizer) -> int | None:
    """Steps that lie behind the state of an optimizer, where it counts them; a count on a device is not asked for."""
    found = []
    for state in list(optimizer.state.values())[:STATES]:
        count = state.get("step") if isinstance(state, dict) else None
        if isinstance(count, torch.Tensor):
            count = float(count) if plain(count) and count.is_cpu and count.numel() == 1 else None
        if isinstance(count, (int, float)):
            found.append(int(count))
    return max(found, default=None)


def _setup(state: dict[str, Any]) -> dict[str, Any]:
    """How far a schedule had come, and the numbers that it was set up with."""
    place = state.get("last_epoch")
    numbers = {
        key: list(value) if isinstance(value, (list, tuple)) else value
        for key, value in state.items()
        if key not in RUNNING and all(isinstance(one, (int, float, str)) for one in _parts(value))
    }
    return {"at": place if isinstance(place, int) else None, "set": numbers}


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return list(value) if isinstance(value, (list, tuple)) else [value]
