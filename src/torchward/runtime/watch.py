"""Turns the recorder on and off: every hook and wrapper that torchward puts into a process is named here."""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from multiprocessing import util
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as module_hooks
from torch.optim import Optimizer, lr_scheduler
from torch.optim import optimizer as optimizer_module
from torch.utils import data
from torch.utils.data import dataloader as dataloader_module

from torchward import runlog
from torchward.runtime import loaders, losses
from torchward.runtime.adapters import Adapters
from torchward.runtime.exchanges import exchanged
from torchward.runtime.recorder import MESSAGES, Recorder
from torchward.runtime.tensors import caller
from torchward.runtime.wrap import Patches, around, disguise

RUN_DIR = "TORCHWARD_RUN_DIR"
OPTIONS = "TORCHWARD_OPTIONS"

_active: Watch | None = None
_folder: Path | None = None
"""Where children that `multiprocessing` forks off this process tell of the exception that ends them."""


class Watch:
    """One recorder and what it has hooked into."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.patches = Patches()
        self.handles: list[Any] = []
        self.pid = os.getpid()

    def install(self) -> None:
        recorder, patches = self.recorder, self.patches
        guard = recorder.guarded
        optimizers = recorder.optimizers

        self.handles.append(optimizer_module.register_optimizer_step_post_hook(optimizers.step_hook()))
        made = guard("optimizer", optimizers.made)
        acted_in = guard("environments", recorder.environments.look)
        adapters = Adapters(recorder, patches)
        adapt = guard("adapters", adapters.look)
        guard("adapters", adapters.begin)()

        def optimizer_made(_token: Any, _result: Any, args: Any, _kwargs: Any) -> None:
            made(args[0])
            acted_in(patches)
            adapt()
            recorder.overwritten.begins(args[0])
            recorder.optimizers.idle.begins(args[0])

        patches.around(Optimizer, "__init__", None, optimizer_made)
        patches.replace(torch.autograd, "backward", recorder.streams.stand_in(torch.autograd.backward))
        patches.around(torch.autograd, "grad", None, guard("backward", recorder.passes.gradient_computed))
        self._zeroing(guard)
        self._losses(guard)
        self._rankings(guard)
        self._distributions(guard)
        self._loaders()
        self._schedulers(guard)
        self._clipping(guard)
        self._models(guard)
        self._mixed_precision(guard)

        def cleared(token: Any, _result: Any, _args: Any, _kwargs: Any) -> None:
            recorder.waits.cache_cleared(perf_counter() - token)

        wrapped = around(torch.cuda.empty_cache, lambda _args, _kwargs: perf_counter(), guard("cache", cleared))
        for owner in (torch.cuda, torch.cuda.memory):
            patches.replace(owner, "empty_cache", wrapped)

        if torch.distributed.is_available():
            self._ranks(guard)

        noted = guard("resumes", recorder.resumes.saved)

        def saved(token: Any, _result: Any, args: Any, kwargs: Any) -> None:
            recorder.waits.saved(perf_counter() - token, args[1] if len(args) > 1 else kwargs.get("f"))
            recorder.checkpoints.saved(args, kwargs)
            noted(args, kwargs)

        patches.around(torch, "save", lambda _args, _kwargs: perf_counter(), guard("saves", saved))

        def hooked(_args: Any, _kwargs: Any) -> None:
            recorder.reads_saved = False

        patches.around(torch.autograd.graph.saved_tensors_hooks, "__enter__", hooked, None)
        recorder.timed(recorder.begin_sample)

    def _ranks(self, guard: Any) -> None:
        watched, distributed = self.recorder.exchanges, torch.distributed
        ends = guard("exchanges", lambda _args, _kwargs: watched.close())
        met = guard("exchanges", lambda before, _result, _args, _kwargs: watched.barrier(before))
        count = guard("exchanges", lambda _args, _kwargs: exchanged())
        wrapped = {
            "destroy_process_group": around(distributed.destroy_process_group, ends, None),
            "barrier": around(distributed.barrier, count, met),
        }
        for name, wrapper in wrapped.items():
            for owner in (distributed, distributed.distributed_c10d):
                self.patches.replace(owner, name, wrapper)

    def _zeroing(self, guard: Any) -> None:
        recorder = self.recorder

        def of_optimizer(args: Any, _kwargs: Any) -> None:
            recorder.optimizers.zeroed(args[0])

        def of_module(_args: Any, _kwargs: Any) -> None:
            recorder.optimizers.zeroed(None)

        for owner, saw in ((Optimizer, of_optimizer), (nn.Module, of_module)):
            wrapped = around(owner.zero_grad, guard("zero_grad", saw), None)
            recorder.stand_ins.append((owner, "zero_grad", wrapped))

    def _losses(self, guard: Any) -> None:
        recorder = self.recorder
        after = guard("loss", recorder.losses.after)
        compiling, tensor = torch.compiler.is_compiling, torch.Tensor
        for kind, original in losses.functions():

            def make(kind: str = kind, original: Any = original) -> Any:
                # Two parameters have their names, so that the usual call is passed on as it came: `*args` costs 1 us.
                def wrapper(input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: A002
                    if compiling():
                        return original(input, target, *args, **kwargs)
                    try:
                        plain = not args and not kwargs
                        result = original(input, target) if plain else original(input, target, *args, **kwargs)
                    except BaseException as error:
                        error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                        raise
                    if recorder.sampling or (type(result) is tensor and not result.requires_grad):
                        after(kind, result, (input, target, *args), kwargs)
                    return result

                return disguise(wrapper, original)

            self.patches.replace(torch.nn.functional, kind, make())

        interpolate, resized = torch.nn.functional.interpolate, recorder.losses.resizes.resized

        def resize(input: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: A002
            if compiling():
                return interpolate(input, *args, **kwargs)
            try:
                result = interpolate(input, *args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            resized(None, result, (input, *args), kwargs)
            return result

        self.patches.replace(torch.nn.functional, "interpolate", disguise(resize, interpolate))

    def _distributions(self, guard: Any) -> None:
        recorder = self.recorder
        spreads, compiling = recorder.spreads, torch.compiler.is_compiling

        def made(_token: Any, _result: Any, args: Any, kwargs: Any) -> None:
            if spreads.asked and not compiling() and not recorder.inside:
                scale = args[2] if len(args) > 2 else kwargs.get("scale")
                recorder.timed(spreads.distributed, scale, recorder.site(caller(2)))

        self.patches.around(torch.distributions.Normal, "__init__", None, guard("spreads", made))

    def _rankings(self, guard: Any) -> None:
        recorder = self.recorder
        ranked = guard("labels", recorder.losses.ranked_one)

        def stand_in(original: Any) -> Any:
            def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
                try:
                    result = original(self, *args, **kwargs)
                except BaseException as error:
                    error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                    raise
                if not recorder.inside:
                    ranked(self)
                return result

            return disguise(wrapper, original) if hasattr(original, "__code__") else wrapper

        for name in losses.RANKING:
            recorder.stand_ins.append((torch.Tensor, name, stand_in(getattr(torch.Tensor, name))))

    def _loaders(self) -> None:
        recorder, patches = self.recorder, self.patches
        base = dataloader_module._BaseDataLoaderIter
        iterated = recorder.guarded("loader", recorder.loaders.iterated)
        patches.around(data.DataLoader, "__iter__", lambda _args, _kwargs: perf_counter(), iterated)
        patches.around(data.DataLoader, "__init__", None, recorder.guarded("loader", recorder.loaders.new))
        patches.replace(base, "__next__", recorder.loaders.next_stand_in(base.__next__))
        folder = recorder.folder

        def make_log() -> runlog.Writer:
            log = runlog.Writer(folder / runlog.LOGS / f"{os.getpid()}.jsonl")
            log.add("head", version=runlog.VERSION, pid=os.getpid(), ppid=os.getppid(), role="worker")
            return log

        def failed(error: BaseException) -> None:
            from torchward.runtime import crash

            crash.write(folder, error, role="worker")

        stand_in = loaders.watch_workers(make_log, failed, recorder.loaders.stored)
        for fetcher in ("_MapDatasetFetcher", "_IterableDatasetFetcher"):
            owner = getattr(data._utils.fetch, fetcher, None)
            if owner is not None:
                setattr(owner, "fetch", stand_in(owner.fetch))  # noqa: B010  (stays in forked workers)

    def _schedulers(self, guard: Any) -> None:
        recorder = self.recorder
        made = guard("scheduler", recorder.optimizers.schedulers.made)
        stepped = guard("scheduler", recorder.optimizers.schedulers.stepped)

        def stepping(args: Any, kwargs: Any) -> None:
            given = args[1] if len(args) > 1 else kwargs.get("metrics", kwargs.get("epoch"))
            watches = hasattr(args[0], "patience")
            stepped(args[0], given if watches else None, None if watches else given)

        classes = [
            value
            for value in vars(lr_scheduler).values()
            if isinstance(value, type) and hasattr(value, "step") and value.__module__ == lr_scheduler.__name__
        ]
        for owner in classes:
            if "__init__" in vars(owner):
                self.patches.around(owner, "__init__", None, lambda _t, _r, args, _k: made(args[0]))
            if "step" in vars(owner):
                self.patches.around(owner, "step", stepping, None)

    def _clipping(self, guard: Any) -> None:
        clipped = guard("clipping", self.recorder.optimizers.clips.called)
        for name, key in (("clip_grad_norm_", "max_norm"), ("clip_grad_value_", "clip_value")):
            original = getattr(nn.utils, name, None)
            if original is None:
                continue

            def after(_token: Any, result: Any, args: Any, kwargs: Any, name: str = name, key: str = key) -> None:
                clipped(name, args[1] if len(args) > 1 else kwargs.get(key), result)

            wrapped = around(original, None, after)
            for owner in (nn.utils, nn.utils.clip_grad):
                self.patches.replace(owner, name, wrapped)

    def _models(self, guard: Any) -> None:
        recorder, patches = self.recorder, self.patches
        tied = guard("ties", recorder.ties.registered)
        self.handles.append(module_hooks.register_module_parameter_registration_hook(tied))
        changed = guard("modules", recorder.models.mode_changed)
        depth = [0]
        original = nn.Module.train

        def train(self: Any, mode: bool = True) -> Any:
            if depth[0]:
                return original(self, mode)
            depth[0] += 1
            try:
                result = original(self, mode)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            finally:
                depth[0] -= 1
            changed(self, bool(mode))
            return result

        patches.replace(nn.Module, "train", disguise(train, original))

        def loaded(_token: Any, result: Any, args: Any, kwargs: Any) -> None:
            recorder.checkpoints.put_back("model")
            recorder.checkpoints.taken_over(args[0], args[1] if len(args) > 1 else kwargs.get("state_dict"), result)
            recorder.parameters.loaded.add(args[0])
            recorder.start.loads = recorder.start.loads or not recorder.inside
            if not recorder.inside:
                recorder.heldout.forget()
                recorder.timed(recorder.unsaved.loaded, args[0])
                recorder.timed(recorder.overwritten.loaded, args[0])
            for parameter in args[0].parameters():
                held = recorder.parameters.find(parameter)
                if held is not None:
                    held.loaded = True

        def loading(args: Any, kwargs: Any) -> None:
            if recorder.step and not recorder.inside:
                recorder.checkpoints.loading(args[0], args[1] if len(args) > 1 else kwargs.get("state_dict"))

        for kind in (nn.Embedding, nn.EmbeddingBag):
            patches.around(kind, "__init__", None, recorder.overwritten.made)
        patches.around(nn.Module, "load_state_dict", guard("modules", loading), guard("modules", loaded))

        def replicated(_token: Any, _result: Any, args: Any, _kwargs: Any) -> None:
            recorder.row(
                "ddp",
                site=recorder.site(caller(3)),
                find=bool(getattr(args[0], "find_unused_parameters", False)),
            )

        patches.around(nn.parallel.DistributedDataParallel, "__init__", None, guard("modules", replicated))

        put_back = guard("optimizer", recorder.checkpoints.put_back)
        gave = guard("optimizer", lambda _t, result, args, _k: recorder.optimizers.gave_state(args[0], result))
        patches.around(Optimizer, "state_dict", None, gave)
        resumes = recorder.resumes
        begins = guard("resumes", lambda args, _kwargs: resumes.putting_back(args[0]))
        goes_on = guard("resumes", lambda before, args: resumes.put_back(before, *args[:2]) if args[1:] else None)

        def restored(before: Any, _result: Any, args: Any, kwargs: Any) -> None:
            put_back("opt", args[0])
            goes_on(before, args if args[1:] else (*args, *kwargs.values()))

        patches.around(Optimizer, "load_state_dict", begins, restored)

        opened = guard("resumes", resumes.loaded)

        def unpickled(_token: Any, result: Any, args: Any, kwargs: Any) -> None:
            recorder.start.loads = True
            recorder.checkpoints.loaded(result, args, kwargs)
            opened(result, args, kwargs)
            for value in result.values() if isinstance(result, dict) else (result,):
                if isinstance(value, nn.Module):
                    recorder.parameters.loaded.add(value)

        patches.around(torch, "load", None, guard("modules", unpickled))

        def compiling(args: Any, _kwargs: Any) -> None:
            recorder.compiled()
            if args and isinstance(args[0], nn.Module):
                recorder.models.root(args[0], None, True)

        patches.around(torch, "compile", guard("modules", compiling), None)
        patches.around(nn.Module, "compile", guard("modules", compiling), None)

    def _mixed_precision(self, guard: Any) -> None:
        recorder, streams = self.recorder, self.recorder.streams
        scaler = getattr(torch.amp, "GradScaler", None)
        if scaler is None:
            return

        def scaled(_token: Any, result: Any, args: Any, _kwargs: Any) -> None:
            if len(args) > 1 and isinstance(args[1], torch.Tensor) and isinstance(result, torch.Tensor):
                streams.unscaled = (result, args[1].detach())
                recorder.usual = None

        def stepping(args: Any, _kwargs: Any) -> None:
            opt = recorder.optimizers.find(args[1]) if len(args) > 1 else None
            if opt is not None and getattr(args[0], "_enabled", True):
                opt.scaled = True
                opt.scaler_calls += 1
                recorder.optimizers.scale(opt, getattr(args[0], "_scale", None))

        self.patches.around(scaler, "scale", None, guard("scaler", scaled))
        self.patches.around(scaler, "unscale_", lambda _a, _k: recorder.event("unscale", -1), None)
        self.patches.around(scaler, "step", guard("scaler", stepping), None)

    def remove(self) -> None:
        """Take every hook and wrapper out again."""
        self.recorder.disarm(for_good=True)
        for handle in self.handles:
            handle.remove()
        self.handles.clear()
        self.patches.undo()


def start(folder: str | Path, budget: float = 0.02, probes: bool = True, language: str = "en") -> Watch | None:
    """Record this process into `folder`. None when the log cannot be made; one line on stderr says why.

    Raises RuntimeError if this process is already being recorded.
    """
    global _active, _folder
    if _active is not None:
        raise RuntimeError("this process is already being watched")
    begin = thread_time()
    try:
        recorder = Recorder(folder, budget=budget, probes=probes, language=language)
    except OSError as error:
        print(f"torchward: {MESSAGES['log'][language].format(error=error)}", file=sys.stderr, flush=True)
        return None
    watch = Watch(recorder)
    watch.install()
    _active, _folder = watch, recorder.folder
    atexit.register(stop, True)
    _await_end_of_child()  # a spawned child comes past here, a forked one past the next line
    util.register_after_fork(_await_end_of_child, lambda _: _await_end_of_child())
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)
    recorder.own_seconds += thread_time() - begin
    return watch


def start_from_environment() -> None:
    """What the injected `sitecustomize` calls once torch is imported."""
    folder = os.environ.get(RUN_DIR)
    if not folder or _active is not None:
        return
    options = json.loads(os.environ.get(OPTIONS) or "{}")
    start(
        folder,
        budget=float(options.get("budget", 0.02)),
        probes=bool(options.get("probes", True)),
        language=str(options.get("language", "en")),
    )


def stop(clean: bool = False) -> None:
    """End the recording of this process, if there is one."""
    global _active, _folder
    watch, _active = _active, None
    if watch is None or watch.pid != os.getpid():
        return
    _folder = None
    atexit.unregister(stop)
    watch.remove()
    if clean:
        _tell_crash(watch.recorder)
    watch.recorder.finish(clean)


def _tell_crash(recorder: Recorder) -> None:
    """The interpreter shuts down: if an exception is why, tell of it."""
    from torchward.runtime import crash

    error = crash.last_uncaught()
    if error is None or recorder.log is None:
        return
    try:
        recorder.row("crash", **crash.describe(error))
    except Exception as problem:
        recorder.fail("crash", problem)


def _await_end_of_child() -> None:
    """The finalizers of a child that `multiprocessing` started run while the exception that ends it passes by."""
    if _folder is not None:
        util.Finalize(None, _tell_end_of_child, exitpriority=100)


def _tell_end_of_child() -> None:
    from torchward.runtime import crash

    error = crash.ending_child()
    if error is None or _folder is None:
        return
    try:
        if _active is None:
            crash.write(_folder, error, role="worker")
        else:
            _active.recorder.row("crash", **crash.describe(error))
            _active.recorder.flush(perf_counter())
    except Exception as problem:
        print(f"torchward: not told of: {type(problem).__name__}: {problem}", file=sys.stderr)


def active() -> Watch | None:
    return _active


def _forget() -> None:
    """In a forked child: the log belongs to the parent. Only loader workers go on saying one thing of themselves."""
    global _active
    watch, _active = _active, None
    if watch is None:
        return
    watch.recorder.log = None
    watch.remove()
    watch.recorder.models.thread = threading.get_ident()
