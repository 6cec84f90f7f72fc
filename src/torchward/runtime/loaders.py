"""Watches `DataLoader`s: how long training waits for them, and whether their workers draw the same random numbers."""

from __future__ import annotations

import hashlib
import os
import random
import sys
import weakref
from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import data

from torchward.runtime.tensors import caller
from torchward.runtime.wrap import disguise

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

LOADER_LIMIT = 64
DESCRIBED_LIMIT = 512
"""Loaders that are written down in all: a script may make a new one for each batch."""


class Loader:
    def __init__(self, index: int, loader: Any) -> None:
        self.index = index
        self.ref = weakref.ref(loader)
        self.iterations = self.fetched = self.single = self.trained = 0
        self.wait = self.active = 0.0
        self.in_pass = 0
        self.last_return = 0.0
        self.backwards = 0
        self.sent: Any = None


class Loaders:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[int, Loader] = {}
        self.by_iterator: dict[int, Loader] = {}
        self.last: Loader | None = None
        self.described = 0
        self.fetching = False
        """A batch is being made, in this process unless there are workers."""
        self.fetched = recorder.guarded("loader", self._fetched)

    def iterated(self, _token: Any, iterator: Any, args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
        """An iterator was made: a pass begins."""
        loader = args[0]
        known = self.known.get(id(loader))
        if known is None or known.ref() is not loader:
            if len(self.known) >= LOADER_LIMIT or self.described >= DESCRIBED_LIMIT:
                return
            self.described += 1
            known = self.known[id(loader)] = Loader(self.recorder.next_index("loader"), loader)
            self._describe(known, loader)
        if known.iterations and known.in_pass == 1:
            known.single += 1
        known.iterations += 1
        known.in_pass = 0
        if len(self.by_iterator) > 4 * LOADER_LIMIT:
            self.by_iterator.clear()
        self.by_iterator[id(iterator)] = known
        self.recorder.models.arm()

    def _describe(self, known: Loader, loader: Any) -> None:
        sampler = getattr(loader, "sampler", None)
        if isinstance(loader.dataset, data.IterableDataset):
            shuffled = None
        else:
            shuffled = not isinstance(sampler, data.SequentialSampler) or not isinstance(
                loader.batch_sampler, (data.BatchSampler, type(None))
            )
        self.recorder.row(
            "loader",
            i=known.index,
            site=self.recorder.site(caller(3)),
            bs=loader.batch_size,
            n=_length(loader),
            ex=_length(loader.dataset),
            sh=shuffled,
            w=loader.num_workers,
            kind=type(loader.dataset).__name__,
        )

    def next_stand_in(self, original: Any) -> Any:
        """A stand-in for `_BaseDataLoaderIter.__next__` that times it."""
        fetched, clock, watched = self.fetched, perf_counter, self

        def wrapper(self: Any) -> Any:
            start = clock()
            watched.fetching = True
            try:
                batch = original(self)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            finally:
                watched.fetching = False
            fetched(self, start, clock())
            return batch

        return disguise(wrapper, original)

    def _fetched(self, iterator: Any, start: float, end: float) -> None:
        known = self.by_iterator.get(id(iterator))
        if known is None:
            return
        known.fetched += 1
        known.in_pass += 1
        if known.in_pass > 1:
            known.wait += end - start
            known.active += end - known.last_return
            if self.recorder.backwards != known.backwards:
                known.trained += 1
        known.backwards = self.recorder.backwards
        known.last_return = end
        self.last = known

    def feeding(self) -> int | None:
        """Number of the loader that gave the last batch, if no backward pass has run since."""
        last = self.last
        return last.index if last is not None and last.backwards == self.recorder.backwards else None

    def write_counts(self) -> None:
        for known in self.known.values():
            counts = (known.iterations, known.fetched, known.single, known.trained)
            if counts != known.sent:
                known.sent = counts
                self.recorder.row(
                    "lc",
                    i=known.index,
                    it=known.iterations,
                    f=known.fetched,
                    one=known.single,
                    tr=known.trained,
                    w=round(known.wait, 6),
                    a=round(known.active, 6),
                )


def _length(sized: Any) -> int | None:
    try:
        return len(sized)
    except (TypeError, NotImplementedError, AttributeError):
        return None


# -- inside loader workers


def watch_workers(make_log: Any) -> Any:
    """A stand-in maker for the fetchers' `fetch`: in a worker, the first fetch is bracketed by fingerprints.

    Random states that are alike in two workers before the fetch, and moved by it, make both draw the same numbers.
    """

    def stand_in(original: Any) -> Any:
        done: set[int] = set()
        worker_info, pid = data.get_worker_info, os.getpid

        def before(fetcher: Any) -> Any:
            info = worker_info()
            if info is None or pid() in done:
                return None
            done.clear()
            done.add(pid())
            try:
                return info, fingerprints(fetcher.dataset)
            except Exception as error:
                print(f"torchward: worker randomness was not looked at: {error}", file=sys.stderr)
                return None

        def after(token: Any, fetcher: Any) -> None:
            info, first = token
            try:
                second = fingerprints(fetcher.dataset)
                log = make_log()
                for name, state in first.items():
                    log.add("worker", pid=os.getppid(), w=info.id, n=info.num_workers, g=name, a=state, b=second[name])
                log.close()
            except Exception as error:
                print(f"torchward: worker randomness was not looked at: {error}", file=sys.stderr)

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            token = before(self)
            try:
                result = original(self, *args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                raise
            if token is not None:
                after(token, self)
            return result

        return disguise(wrapper, original)

    return stand_in


def fingerprints(dataset: Any) -> dict[str, str]:
    """Digest of every random state that a data set may draw from in this process: global ones and its own."""
    found: dict[str, Any] = {"random": repr(random.getstate()), "torch": torch.get_rng_state().numpy().tobytes()}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        found["numpy"] = repr(numpy.random.get_state(legacy=True)[1:3]) + repr(numpy.random.get_state()[1].tolist())
    for name, generator in generators_in(dataset):
        found[name] = _state(generator)
    return {
        name: hashlib.blake2b(state.encode() if isinstance(state, str) else state, digest_size=8).hexdigest()
        for name, state in found.items()
    }


def generators_in(root: Any, path: str = "dataset", depth: int = 4) -> Iterator[tuple[str, Any]]:
    """Random generators among an object's attributes, its transforms' and theirs: (path, generator)."""
    if _is_generator(root):
        yield path, root
        return
    if depth == 0 or isinstance(root, (torch.Tensor, str, bytes, int, float, type)):
        return
    if isinstance(root, dict):
        children = list(root.items())[:32]
    elif isinstance(root, (list, tuple)):
        children = [(str(index), value) for index, value in enumerate(root[:32])]
    else:
        children = list(getattr(root, "__dict__", {}).items())
    for name, value in children:
        yield from generators_in(value, f"{path}.{name}", depth - 1)


def _is_generator(value: Any) -> bool:
    if isinstance(value, (random.Random, torch.Generator)):
        return True
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, (numpy.random.Generator, numpy.random.RandomState))


def _state(generator: Any) -> str:
    if isinstance(generator, random.Random):
        return repr(generator.getstate())
    if isinstance(generator, torch.Generator):
        return str(generator.get_state().numpy().tobytes().hex())
    if hasattr(generator, "bit_generator"):
        return repr(generator.bit_generator.state)
    return repr(generator.get_state()[1].tolist()) + repr(generator.get_state()[2])
