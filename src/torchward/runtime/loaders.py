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

from torchward.runtime import heldout
from torchward.runtime.stored import Stored
from torchward.runtime.tensors import caller, length, plain, tensors_in
from torchward.runtime.wrap import disguise

if TYPE_CHECKING:
    from torchward.runtime.recorder import Recorder

BATCHES_OF_TORCH = (data.BatchSampler, type(None))
OF_TORCH = (
    data.SequentialSampler,
    data.RandomSampler,
    data.SubsetRandomSampler,
    data.WeightedRandomSampler,
    data.DistributedSampler,
)
SAMPLERS = (data.SubsetRandomSampler, data.RandomSampler, data.WeightedRandomSampler)
"""Those that may be told how many examples to draw."""
LOADER_LIMIT = 64
INDICES = 1_000_000
"""Different indices of which a note is made at most."""
COMPARED = 8
"""Passes whose first batch is compared with that of the first."""
DESCRIBED_LIMIT = 512
"""Loaders that are written down in all: a script may make a new one for each batch."""


class Loader:
    def __init__(self, index: int, loader: Any) -> None:
        self.index = index
        self.ref = weakref.ref(loader)
        self.iterations = self.fetched = self.single = self.trained = self.stepped = 0
        self.wait = self.active = self.first = 0.0
        self.epoch: int | None = None
        self.same_epoch: int | None = None
        """None: no `DistributedSampler` that shuffles."""
        self.in_pass = 0
        self.began = 0
        """Backward passes when the pass began."""
        self.batches = 0
        self.site = self.idle_site = -1
        self.idle = 0
        """Passes during which nothing was trained."""
        self.indices: set[int] | None = None
        """What a sampler that is not torch's has drawn."""
        self.draws = 0
        self.fixed = False
        """The same examples come first in each pass."""
        self.first_seen: tuple[list[float], list[float]] | None = None
        self.compared = self.moved = 0
        """Passes whose first batch was compared with that of the first pass, and those with other inputs for the same
        labels."""
        self.last_return = 0.0
        self.backwards = 0
        self.step = 0
        self.sent: Any = None

    def note(self, drawn: Any) -> Any:
        """Hot, for samplers that are not torch's. An index, or those of a batch, goes by; nothing in it can raise."""
        if type(drawn) is list and self.indices is not None and len(self.indices) < INDICES:
            self.draws += len(drawn)
            self.indices.update(one for one in drawn if type(one) is int)
        return drawn


class Loaders:
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.known: dict[int, Loader] = {}
        self.by_iterator: dict[int, Loader] = {}
        self.last: Loader | None = None
        self.tables: list[weakref.ref[torch.Tensor]] = []
        self.described = 0
        self.made: list[tuple[Any, int, int, int]] = []
        """Loaders made and never used so far: (reference, identity of the data set, examples, line)."""
        self.data_used: set[int] = set()
        """Identities of data sets of which examples were asked for."""
        self.compare = recorder.guarded("loader", self._compare)
        self.stored = Stored(recorder)
        self.fetching = False
        """A batch is being made, in this process unless there are workers."""

    def iterated(self, start: float, iterator: Any, args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
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
        if known.trained and self.recorder.exchanges.under_way:
            self.recorder.exchanges.close()
        sampler = _sampler(loader)
        if isinstance(sampler, data.distributed.DistributedSampler) and sampler.shuffle:
            known.same_epoch = (known.same_epoch or 0) + (known.iterations > 0 and sampler.epoch == known.epoch)
            known.epoch = sampler.epoch
        if known.indices is not None and hasattr(iterator, "_sampler_iter"):
            # By `map`, which adds no frame to the traceback of an error in the sampler.
            iterator._sampler_iter = map(known.note, iterator._sampler_iter)
        self._end_pass(known)
        self.stored.begins(known)
        known.iterations += 1
        known.in_pass = 0
        known.first += perf_counter() - start
        known.began, known.site = self.recorder.backwards, self.recorder.site(caller(3))
        self.data_used.add(id(loader.dataset))
        if self.made:
            self.made = [entry for entry in self.made if entry[0]() is not loader]
        if len(self.by_iterator) > 4 * LOADER_LIMIT:
            self.by_iterator.clear()
        self.by_iterator[id(iterator)] = known
        self.recorder.models.arm()

    def new(self, _token: Any, _result: Any, args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
        """A loader was made."""
        if len(self.made) < LOADER_LIMIT:
            dataset = args[0].dataset
            site = self.recorder.site(caller(3))
            self.made.append((weakref.ref(args[0]), id(dataset), length(dataset) or 0, site))

    def _end_pass(self, known: Loader) -> None:
        # A batch or two are taken to look at them.
        if known.in_pass >= max(2, known.batches / 2) and known.began == self.recorder.backwards:
            known.idle += 1
            known.idle_site = known.site

    def finish(self) -> None:
        """The run is over: which loaders were never used?"""
        self.stored.finish()
        for known in self.known.values():
            self._end_pass(known)
            known.in_pass = 0
        for _, dataset, examples, site in self.made:
            if dataset not in self.data_used:
                self.recorder.row("un", site=site, ex=examples)

    def _compare(self, known: Loader, batch: Any) -> None:
        """The first batch of a pass, of a loader that always begins with the same examples."""
        self.recorder.timed(self._compare_first, known, batch)

    def _compare_first(self, known: Loader, batch: Any) -> None:
        found = heldout.first_batch(batch)
        if found is None:
            known.fixed = False
        elif known.first_seen is None:
            known.first_seen = found
        else:
            known.compared += 1
            inputs, labels = known.first_seen
            known.moved += bool(labels) and labels == found[1] and inputs != found[0]

    def _describe(self, known: Loader, loader: Any) -> None:
        sampler = _sampler(loader)
        known.batches = length(loader) or 0
        if isinstance(loader.dataset, data.IterableDataset):
            shuffled = None
        else:
            shuffled = not isinstance(sampler, data.SequentialSampler) or not isinstance(
                loader.batch_sampler, (data.BatchSampler, type(None))
            )
            known.fixed = not shuffled
            alone = not (torch.distributed.is_available() and torch.distributed.is_initialized())
            if alone and (type(sampler) not in OF_TORCH or type(loader.batch_sampler) not in BATCHES_OF_TORCH):
                known.indices = set()
            plain = isinstance(sampler, (data.SequentialSampler, data.RandomSampler, data.DistributedSampler))
            if not plain or not isinstance(loader.batch_sampler, (data.BatchSampler, type(None))):
                self.recorder.heldout.even = False
        self.recorder.row(
            "loader",
            i=known.index,
            site=self.recorder.site(caller(3)),
            bs=_batch_size(loader),
            n=length(loader),
            ex=length(loader.dataset),
            sh=shuffled,
            w=loader.num_workers,
            keep=bool(getattr(loader, "persistent_workers", False)),
            pin=bool(getattr(loader, "pin_memory", False)),
            dist=isinstance(sampler, data.distributed.DistributedSampler),
            drop=_dropped(loader),
            dn=length(sampler) if isinstance(sampler, SAMPLERS) else None,
            da=not isinstance(sampler, data.SubsetRandomSampler),
            wt=_weights(sampler),
            kind=type(loader.dataset).__name__,
        )

    def next_stand_in(self, original: Any) -> Any:
        """A stand-in for `_BaseDataLoaderIter.__next__` that times it."""
        fetched, clock, watched, recorder = self._fetched, perf_counter, self, self.recorder
        handed = recorder.guarded("loader", self._handed)
        given = recorder.guarded("givens", lambda batch: recorder.timed(recorder.givens.got, batch))
        mirrored = recorder.guarded("mirrors", lambda *args: recorder.timed(recorder.mirrors.handed, *args))

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
            known = fetched(self, start, clock())
            if known is not None:
                watched.compare(known, batch)
            if recorder.sampling:
                handed(batch)
                given(batch)
                mirrored(watched.last, batch)
            return batch

        return disguise(wrapper, original)

    def _handed(self, batch: Any) -> None:
        """In sampled steps: the batch's tensors of one or two axes, to be recognised later."""
        tables = [tensor for tensor in tensors_in(batch) if plain(tensor) and tensor.dim() in (1, 2)]
        self.tables = [weakref.ref(tensor) for tensor in tables[:6]]

    def handed_over(self) -> list[torch.Tensor]:
        """Those of the last batch of a sampled step that still exist."""
        return [tensor for table in self.tables if (tensor := table()) is not None]

    def _fetched(self, iterator: Any, start: float, end: float) -> Loader | None:
        """Hot: a batch was handed over. Nothing in it can raise. The loader, if its batch is to be looked at."""
        known = self.by_iterator.get(id(iterator))
        if known is None:
            return None
        known.fetched += 1
        known.in_pass += 1
        if known.in_pass > 1:
            known.wait += end - start
            known.active += end - known.last_return
            if self.recorder.backwards != known.backwards:
                known.trained += 1
            if self.recorder.step != known.step:
                known.stepped += 1
        else:
            known.first += end - start
        known.backwards = self.recorder.backwards
        known.step = self.recorder.step
        known.last_return = end
        self.last = known
        return known if known.in_pass == 1 and known.fixed and known.compared < COMPARED else None

    def feeding(self) -> int | None:
        """Number of the loader that gave the last batch, if no backward pass has run since."""
        last = self.last
        return last.index if last is not None and last.backwards == self.recorder.backwards else None

    def write_counts(self) -> None:
        for known in self.known.values():
            counts = (known.iterations, known.fetched, known.single, known.trained, known.idle, known.compared)
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
                    fs=round(known.first, 6),
                    rep=known.same_epoch,
                    st=known.stepped,
                    idle=known.idle,
                    isite=known.idle_site,
                    cmp=known.compared,
                    mv=known.moved,
                    di=len(known.indices) if known.indices else None,
                    dr=known.draws,
                )


def _sampler(loader: Any) -> Any:
    """What draws the examples: of a loader with a batch sampler of its own, as accelerate makes them, that one's."""
    if getattr(loader, "batch_size", None) is None:
        source = getattr(loader, "batch_sampler", None)
        while isinstance(source, data.BatchSampler):
            inner = getattr(source, "batch_sampler", None)
            if inner is None:
                return getattr(source, "sampler", None)
            source = inner
    return getattr(loader, "sampler", None)


def _weights(sampler: Any) -> list[int] | None:
    """How many weights the draws go by, and how many of them are not 0: row k is drawn by the k-th."""
    weights = getattr(sampler, "weights", None)
    if not isinstance(sampler, data.WeightedRandomSampler) or not isinstance(weights, torch.Tensor):
        return None
    return [weights.numel(), int(weights.count_nonzero())] if plain(weights) and weights.is_cpu else None


def _batch_size(loader: Any) -> int | None:
    size = loader.batch_size if loader.batch_size is not None else getattr(loader.batch_sampler, "batch_size", None)
    return size if isinstance(size, int) else None


def _dropped(loader: Any) -> int:
    """Examples of a pass that make no whole batch and are left out."""
    batches, drawn = length(loader), length(_sampler(loader))
    if not loader.drop_last or batches is None or drawn is None or loader.batch_size is None:
        return 0
    return max(0, drawn - batches * int(loader.batch_size))


# -- inside loader workers


def watch_workers(make_log: Any, failed: Any, stored: Stored) -> Any:
    """A stand-in maker for the fetchers' `fetch`: in a worker, the first fetch is bracketed by fingerprints.

    In the training process the first of a pass is bracketed by copies of what the data set stores.
    Random states that are alike in two workers before the fetch, and moved by it, make both draw the same numbers.
    An exception is told of with `failed`: the parent gets no more of it than its text.
    """

    def stand_in(original: Any) -> Any:
        done: set[int] = set()
        worker_info, pid = data.get_worker_info, os.getpid

        def before(fetcher: Any, indices: Any) -> Any:
            info = worker_info()
            if info is None:
                return stored.before(fetcher.dataset, indices) if stored.next is not None else None
            if pid() in done:
                return None
            done.clear()
            done.add(pid())
            try:
                return info, fingerprints(fetcher.dataset)
            except Exception as error:
                print(f"torchward: worker randomness was not looked at: {error}", file=sys.stderr)
                return None

        def after(token: Any, fetcher: Any, batch: Any) -> None:
            if worker_info() is None:
                stored.after(token, fetcher.dataset, batch)
                return
            info, first = token
            try:
                second = fingerprints(fetcher.dataset)
                log = make_log()
                for name, state in first.items():
                    log.add("worker", pid=os.getppid(), w=info.id, n=info.num_workers, g=name, a=state, b=second[name])
                log.close()
            except Exception as error:
                print(f"torchward: worker randomness was not looked at: {error}", file=sys.stderr)

        def tell(error: BaseException) -> None:
            if worker_info() is None or not isinstance(error, Exception) or isinstance(error, StopIteration):
                return
            try:
                failed(error)
            except Exception as problem:
                print(f"torchward: a worker's exception was not looked at: {problem}", file=sys.stderr)

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            token = before(self, args[0] if args else None)
            try:
                result = original(self, *args, **kwargs)
            except BaseException as error:
                error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
                tell(error)
                raise
            if token is not None:
                after(token, self, result)
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
