"""The live check's program, run as a script of its own: imports torch, tries it out, prints one JSON row per result.

Rows go out as they come, so that those before a crash or a hang are not lost. What libraries print goes to stderr.
Each trial checks the result against one that is known.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

WRONG = "wrong result"


def _row(**fields: Any) -> None:
    _out.write(json.dumps(fields) + "\n")
    _out.flush()


def _said(error: BaseException) -> str:
    """The line of an error that says what is wrong: CUDA's messages go on with advice."""
    text = str(error).strip()
    first = text.split("\n")[0].strip()
    return f"{type(error).__name__}: {first}"[:300] if first else type(error).__name__


@contextmanager
def _trial(what: str, device: str = "") -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        _row(trial=what, device=device, ok=False, wrong=str(error) == WRONG, said=_said(error))
    except BaseException as error:
        _row(trial=what, device=device, ok=False, said=_said(error))
    else:
        _row(trial=what, device=device, ok=True)


class _Squares:
    """A data set whose sum is known."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        return index * index


def _loader() -> None:
    from torch.utils.data import DataLoader

    numbers: Any = _Squares()
    total = sum(int(batch.sum()) for batch in DataLoader(numbers, batch_size=4, num_workers=2, timeout=20))
    assert total == 140, WRONG


def _member(rank: int, file: str, answers: Any) -> None:
    import datetime

    import torch
    import torch.distributed as dist

    try:
        limit = datetime.timedelta(seconds=15)
        dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2, timeout=limit)
        value = torch.tensor([float(rank + 1)])
        dist.all_reduce(value)
        answers.put("" if value.item() == 3.0 else WRONG)
        dist.destroy_process_group()
    except BaseException as error:
        answers.put(_said(error))


def _gloo() -> None:
    import multiprocessing
    import tempfile

    # Forked where that is possible: a spawned member would import torch anew.
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") and sys.platform != "darwin" else "spawn")
    with tempfile.TemporaryDirectory() as folder:
        answers = context.Queue()
        members: list[Any] = [
            context.Process(target=_member, args=(rank, os.path.join(folder, "meet"), answers), daemon=True)  # type: ignore[attr-defined]
            for rank in range(2)
        ]
        for member in members:
            member.start()
        told = [answers.get(timeout=25) for _ in members]
        for member in members:
            member.join(5)
    for one in told:
        assert one != WRONG, WRONG
        if one:
            raise RuntimeError(one)


def _matmul(torch: Any, device: Any, dtype: Any) -> None:
    # Whole numbers: every format holds them, and their products, exactly.
    left = (torch.arange(64 * 64) % 3).reshape(64, 64).float()
    right = (torch.arange(64 * 64) % 2).reshape(64, 64).float()
    expected = left @ right
    found = (left.to(device, dtype) @ right.to(device, dtype)).float().cpu()
    assert torch.equal(found, expected), WRONG


def _convolution(torch: Any, device: Any) -> None:
    image = (torch.arange(2 * 3 * 16 * 16) % 5).reshape(2, 3, 16, 16).float()
    weight = torch.ones(4, 3, 3, 3)
    expected = torch.nn.functional.conv2d(image, weight, padding=1)
    found = torch.nn.functional.conv2d(image.to(device), weight.to(device), padding=1).cpu()
    assert torch.allclose(found, expected, rtol=1e-3, atol=0.5), WRONG


def _try_device(torch: Any, device: str, halves: tuple[str, ...]) -> None:
    with _trial("matmul", device):
        _matmul(torch, device, torch.float32)
    with _trial("convolution", device):
        _convolution(torch, device)
    for name in halves:
        with _trial(name, device):
            _matmul(torch, device, getattr(torch, name))


def _companion(name: str) -> Callable[[], None]:
    def load() -> None:
        module = __import__(name)
        if name == "torchvision":
            module.ops.nms  # noqa: B018  (its operators are registered when it is touched)

    return load


def main() -> None:
    start = time.perf_counter()
    try:
        import torch
    except BaseException as error:
        _row(imported=False, said=_said(error), seconds=time.perf_counter() - start)
        return
    _row(imported=True, seconds=time.perf_counter() - start, version=torch.__version__)
    torch.set_num_threads(1)

    # What forks comes before CUDA is touched: a forked process cannot use it.
    with _trial("loader"):
        _loader()
    if torch.distributed.is_available():
        with _trial("gloo"):
            _gloo()
    with _trial("numpy"):
        try:
            import numpy  # noqa: F401
        except ImportError:
            pass
        else:
            assert torch.arange(3).numpy().sum() == 3, WRONG
    _try_device(torch, "cpu", ("bfloat16",))

    archs: tuple[str, ...] = ()
    try:
        flags = torch._C._cuda_getArchFlags()
        archs = tuple(flags.split()) if flags else ()
    except (AttributeError, RuntimeError):
        pass
    available, said = torch.cuda.is_available(), ""
    if not available and torch.version.cuda:
        try:
            torch.cuda.init()
        except BaseException as error:
            said = _said(error)
    _row(cuda=available, said=said, archs=archs)
    if available:
        cudnn = torch.backends.cudnn.version()
        for index in range(torch.cuda.device_count()):
            _row(device=f"cuda:{index} {torch.cuda.get_device_name(index)}")
            _try_device(torch, f"cuda:{index}", ("float16", "bfloat16"))
        with _trial("cudnn"):
            assert torch.backends.cudnn.is_available(), "cuDNN cannot be used"
        _row(cudnn=str(cudnn or ""))
    mps = getattr(torch.backends, "mps", None)
    if mps is not None and mps.is_available():
        _row(device="mps")
        _try_device(torch, "mps", ("float16",))
    xpu = getattr(torch, "xpu", None)
    if xpu is not None and xpu.is_available():
        for index in range(xpu.device_count()):
            _row(device=f"xpu:{index} {xpu.get_device_name(index)}")
            _try_device(torch, f"xpu:{index}", ("float16", "bfloat16"))
    import importlib.util

    for name in ("torchvision", "torchaudio"):
        if importlib.util.find_spec(name):
            with _trial(name):
                _companion(name)()
    _row(done=True)


if __name__ == "__main__":
    # A script's own folder comes first on the path: ours is not the user's, and holds files of common names.
    sys.path[:] = [
        entry for entry in sys.path if os.path.abspath(entry or ".") != os.path.dirname(os.path.abspath(__file__))
    ]
    _out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    main()
    _out.flush()
    os._exit(0)  # what a library does when it ends is not judged here
