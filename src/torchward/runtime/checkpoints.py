"""Watches checkpoints: what a loaded one holds, and what of it is put back before training goes on."""

from __future__ import annotations

import io
import os
import zlib
from typing import TYPE_CHECKING, Any

from torch import nn

from torchward.runtime.averages import Averages
from torchward.runtime.chosen import Chosen
from torchward.runtime.names import variable_name
from torchward.runtime.tensors import caller, plain

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

LIMIT = 32
OWN_LIMIT = 8
END = 65_536
"""Bytes at either end of a checkpoint in memory by which it is known again."""


class Checkpoints:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.loads: list[dict[str, Any]] = []
        self.written: set[str] = set()
        """Files into which this process saved the state of an optimizer."""
        self.bare: dict[str, int] = {}
        """... and those into which it saved tensors only: the step at which it last did."""
        self.partial = 0
        """Loads that left something out, written down."""
        self.own_loads = 0
        """Loads of a state dict that changed nothing, written down."""
        self.averages = Averages(recorder)
        self.chosen = Chosen(recorder)
        self.evaluated, self.put_in = (
            recorder.guarded("restored weights", one) for one in (self.chosen.asked, self.chosen.loading)
        )
        self.restored = self.restored_written = 0
        """The step at which a model that an optimizer trains was last given other weights."""

    def loaded(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """`torch.load` gave back `result`."""
        if len(self.loads) >= LIMIT or self.recorder.inside:
            return
        file = path_of(args[0] if args else kwargs.get("f"))
        bare = self.bare.get(file)
        if bare is None and not _holds_optimizer(result):
            return
        self.loads.append(
            {
                "file": file,
                "bare": bare,
                "site": self.recorder.site(caller(3)),
                "s": self.recorder.step,
                "model": False,
                "opt": False,
                "into": [],
                "models": 0,
            }
        )

    def saved(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """`torch.save` was called."""
        file = path_of(args[1] if len(args) > 1 else kwargs.get("f"))
        if len(self.written) < LIMIT and _holds_optimizer(args[0] if args else kwargs.get("obj")):
            self.written.add(file)
        elif file and file not in self.written and len(self.bare) < LIMIT:
            self.bare[file] = self.recorder.step

    def put_back(self, what: str, optimizer: Any = None) -> None:
        """A state dict was loaded into a `model` or an optimizer (`opt`)."""
        if self.loads and not self.recorder.inside:
            self.loads[-1][what] = True
            self.loads[-1]["models"] += what == "model"
            known = self.recorder.optimizers.find(optimizer) if optimizer is not None else None
            if known is not None:
                self.loads[-1]["into"].append(known.index)

    def taken_over(self, module: nn.Module, state: Any, result: Any) -> None:
        """`load_state_dict` has returned, which with `strict=False` does not say that names differ: how many did?"""
        missing, unexpected = getattr(result, "missing_keys", None), getattr(result, "unexpected_keys", None)
        if not missing or self.recorder.inside or self.partial >= LIMIT or not hasattr(state, "keys"):
            return
        given = len(list(state.keys()))
        if given and not unexpected:
            return
        self.partial += 1
        frame = caller(4)
        other, own, fits = _renamed(list(unexpected or ()), list(missing))
        self.recorder.row(
            "pl",
            s=self.recorder.step,
            site=self.recorder.site(frame),
            m=variable_name(module, frame),
            n=given,
            t=given - len(unexpected or ()),
            own=len(module.state_dict(keep_vars=True)),
            fits=fits,
            names=[other, own],
        )

    def loading(self, module: nn.Module, state: Any) -> None:
        """`load_state_dict` is about to be called: are the tensors it was given the module's own?"""
        if self.own_loads >= OWN_LIMIT or not hasattr(state, "get"):
            return
        own = [(state.get(name), tensor) for name, tensor in list(module.named_parameters())[:64]]
        held = [pair for pair in own if plain(pair[1]) and self.recorder.optimizers.holders(pair[1])]
        if held and all(plain(given) and given.data_ptr() == tensor.data_ptr() for given, tensor in held):
            self.own_loads += 1
            frame = caller(4)
            site = self.recorder.site(frame)
            self.recorder.row("alias", s=self.recorder.step, site=site, m=variable_name(module, frame))
        elif held:
            self.restored = self.recorder.step
            self.put_in(held, self.recorder.site(caller(4)))

    def write_counts(self) -> None:
        if self.restored != self.restored_written:
            self.restored_written = self.restored
            self.recorder.row("rs", s=self.restored)
        for index, load in enumerate(self.loads):
            file = load["file"]
            state = {
                **{key: load[key] for key in ("s", "site", "model", "opt")},
                "into": list(load["into"]),
                "own": bool(file) and (file in self.written or load["bare"] is not None),
                "bare": load["bare"],
                "models": load["models"],
            }
            if state != load.get("sent"):
                load["sent"] = state
                self.recorder.row("ck", i=index, **state)


def _holds_optimizer(value: Any) -> bool:
    """One of its entries is the state dict of an optimizer that has stepped."""
    if type(value) is not dict:
        return False
    return any(
        isinstance(one, dict) and "param_groups" in one and bool(one.get("state"))
        for one in list(value.values())[:LIMIT]
    )


def path_of(file: Any) -> str:
    if type(file) is io.BytesIO and not file.closed:
        held = file.getbuffer()
        return f"<{len(held)} bytes {zlib.crc32(held[:END])} {zlib.crc32(held[-END:])}>"
    return os.path.abspath(os.fspath(file)) if isinstance(file, (str, os.PathLike)) else ""


def _renamed(given: list[str], own: list[str]) -> tuple[str, str, int]:
    """(a name that was given, the model's own for it, how many are the same but for one part in front)."""
    wanted, best = set(own), (given[0] if given else "", own[0], 0)
    heads = {f"{name.partition('.')[0]}." for name in given if "." in name}
    fronts = {f"{name.partition('.')[0]}." for name in own if "." in name}
    for head in heads:
        pairs = [(name, name.removeprefix(head)) for name in given if name.startswith(head)]
        met = [pair for pair in pairs if pair[1] in wanted]
        if len(met) > best[2]:
            best = (*met[0], len(met))
    for front in fronts:
        met = [(name, front + name) for name in given if front + name in wanted]
        if len(met) > best[2]:
            best = (*met[0], len(met))
    return best
