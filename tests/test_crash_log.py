"""Logs of all makes: the exception where the trouble began is found, with its place, in whatever surrounds it."""

from __future__ import annotations

import io
import textwrap
import time

import pytest

from torchward.collect import log
from torchward.facts import Crash

SIZES = "mat1 and mat2 shapes cannot be multiplied (64x9216 and 400x120)"
PLAIN = f"""\
Traceback (most recent call last):
  File "/home/u/train.py", line 31, in <module>
    loss = net(x).sum()
           ^^^^^^
  File "/opt/py/lib/python3.10/site-packages/torch/nn/modules/module.py", line 1501, in _call_impl
    return forward_call(*args, **kwargs)
  File "/home/u/net.py", line 12, in forward
    x = self.fc1(x)
  File "/opt/py/lib/python3.10/site-packages/torch/nn/modules/linear.py", line 114, in forward
    return F.linear(input, self.weight, self.bias)
RuntimeError: {SIZES}
"""


def first(crash: Crash) -> tuple[str, str]:
    assert crash.error is not None
    return crash.error.type, crash.error.message


def prefixed(prefix: str, text: str = PLAIN) -> str:
    return "".join(prefix + line + "\n" for line in text.splitlines())


EPOCHS = "".join(f"epoch {n} loss 0.{n}\n" for n in range(300))
OTHER = PLAIN.replace(f"RuntimeError: {SIZES}", "ValueError: something of before")
CHILD_FAILED = """\
Traceback (most recent call last):
  File "/opt/bin/torchrun", line 8, in <module>
    sys.exit(main())
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
train.py FAILED
------------------------------------------------------------
Failures:
  <NO_OTHER_FAILURES>
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2024-03-01_10:11:12
  host      : node7
  rank      : 3 (local_rank: 3)
  exitcode  : 1 (pid: 4242)
  error_file: <N/A>
  traceback : To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html
============================================================
"""

FORMS = {
    "plain": PLAIN,
    "only the last line": f"RuntimeError: {SIZES}",
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "after a progress bar": " 12%|█▏  | 3/25 [00:01<00:08, 2.7it/s]" + PLAIN,
    "progress bar overwritten": "\r".join(f"{n}%|##  | {n}/99" for n in range(99)) + "\n" + PLAIN,
    "colours": "\x1b[31m" + PLAIN.replace("RuntimeError", "\x1b[1;31mRuntimeError\x1b[0m"),
    "colours without escape": PLAIN.replace("RuntimeError", "[1;31mRuntimeError[0m"),
    "rank": prefixed("[rank3]: "),
    "torchrun tee": prefixed("[default3]:"),
    "srun label": prefixed("3: "),
    "mpirun": prefixed("[1,3]<stderr>:"),
    "ray": prefixed("(train_fn pid=1234, ip=10.0.0.1) "),
    "journald": prefixed("Mar 01 10:11:12 node7 python[4242]: "),
    "kubernetes": prefixed("2024-03-01T10:11:12.123456789Z stderr F "),
    "timestamps": prefixed("2024-03-01 10:11:12,123 - "),
    "docker compose": prefixed("trainer-1  | "),
    "kaggle": prefixed("123.4s 17 "),
    "quotation": prefixed("> "),
    "indented": textwrap.indent(PLAIN, "    "),
    "web front end": "*** Error completing request\n*** Arguments: (1, 2)\n" + textwrap.indent(PLAIN, "    ") + "\n---\n",
    "after a survived one": OTHER + EPOCHS + PLAIN,
    "torchrun": PLAIN + CHILD_FAILED,
    "torchrun with ranks": prefixed("[rank3]: ") + CHILD_FAILED,
    "two ranks interleaved": "".join(
        f"[rank0]: {line}\n[rank1]: {line}\n" for line in PLAIN.splitlines()
    ),
    "two ranks interleaved without prefix": "".join(line * 2 for line in PLAIN.splitlines(True)),
    "a dead peer": prefixed("[rank1]: ") + prefixed(
        "[rank0]: ", PLAIN.replace(SIZES, "Connection closed by peer [127.0.1.1]:1234")
    ),
    "a dead peer first": prefixed("[rank0]: ", PLAIN.replace(SIZES, "Connection reset by peer")) + prefixed("[rank1]: "),
    "accelerate": PLAIN
    + PLAIN.replace(f"RuntimeError: {SIZES}", "subprocess.CalledProcessError: Command '['train.py']' returned non-zero"
                    " exit status 1."),
    "DataLoader": OTHER.replace("ValueError: something of before", "RuntimeError: Caught RuntimeError in DataLoader worker"
                                " process 0.\nOriginal " + PLAIN),
    "spawn": OTHER.replace("ValueError: something of before", "torch.multiprocessing.spawn.ProcessRaisedException: \n\n"
                           "-- Process 0 terminated with the following error:\n" + PLAIN),
    "remote": 'concurrent.futures.process._RemoteTraceback: \n"""\n' + PLAIN
    + '"""\n\nThe above exception was the direct cause of the following exception:\n\n' + PLAIN,
    "direct cause": PLAIN + "\nThe above exception was the direct cause of the following exception:\n\n" + OTHER,
    "during handling": PLAIN + "\nDuring handling of the above exception, another exception occurred:\n\n" + OTHER,
    "pin memory thread": PLAIN + "Exception in thread Thread-2 (_pin_memory_loop):\n"
    + PLAIN.replace(f"RuntimeError: {SIZES}", "ConnectionResetError: [Errno 104] Connection reset by peer"),
    "destructor": "Exception ignored in: <function It.__del__ at 0x7f>\n" + OTHER + PLAIN,
    "exception group": "  + Exception Group Traceback (most recent call last):\n"
    + textwrap.indent(OTHER.split("\n", 1)[1].replace("ValueError: something of before", "ExceptionGroup: two (1 sub-exception)"),
                      "  | ")
    + "  +-+---------------- 1 ----------------\n" + textwrap.indent(PLAIN, "    | ")
    + "    +------------------------------------\n",
    "compiler": OTHER.replace("ValueError: something of before",
                              "torch._dynamo.exc.BackendCompilerFailed: backend='inductor' raised:\n"
                              f"RuntimeError: {SIZES}\n\nSet TORCHDYNAMO_VERBOSE=1 for more information\n"),
    "beginning cut off": PLAIN.split("\n", 3)[3],
    "logger": f"2024-03-01 10:11:12,123 ERROR trainer: RuntimeError: {SIZES}\n",
    "pytest": f"E       RuntimeError: {SIZES}\n",
    "unrelated around it": EPOCHS + PLAIN + "wandb: Waiting for W&B process to finish... (failed 1).\nwandb: Run history:\n",
    "windows": PLAIN.replace("/home/u/", "C:\\Users\\u\\").replace("/opt/py/lib/python3.10/", "C:\\py310\\lib\\"),
}  # fmt: skip

IPYTHON = f"""\
---------------------------------------------------------------------------
RuntimeError                              Traceback (most recent call last)
Cell In[3], line 31
     29 x = torch.zeros(64, 3, 52, 52)
     30
---> 31 loss = net(x).sum()

File /opt/py/lib/python3.10/site-packages/torch/nn/modules/module.py:1501, in Module._call_impl(self, *args, **kwargs)
   1500     return forward_call(*args, **kwargs)
-> 1501 # Do not call functions when jit is used

Cell In[2], line 12, in Net.forward(self, x)
     11     x = torch.flatten(x, 1)
---> 12     x = self.fc1(x)
     13     return x

File /opt/py/lib/python3.10/site-packages/torch/nn/modules/linear.py:114, in Linear.forward(self, input)
    113 def forward(self, input: Tensor) -> Tensor:
--> 114     return F.linear(input, self.weight, self.bias)

RuntimeError: {SIZES}
"""
OLD_IPYTHON = f"""\
---------------------------------------------------------------------------
RuntimeError                              Traceback (most recent call last)
<ipython-input-3-0458d0993ec1> in <module>()
     29 x = torch.zeros(64, 3, 52, 52)
---> 12 x = self.fc1(x)

2 frames
/usr/local/lib/python3.7/dist-packages/torch/nn/functional.py in linear(input, weight, bias)
   1846     if has_torch_function_variadic(input, weight, bias):
-> 1848     return torch._C._nn.linear(input, weight, bias)

RuntimeError: {SIZES}
"""
COLAB = OLD_IPYTHON.replace("<ipython-input-3-0458d0993ec1> in", "[<ipython-input-3-0458d0993ec1>](https://localhost:8080/#) in"
                            ).replace("/usr/local/lib/python3.7/dist-packages/torch/nn/functional.py in",
                                      "[/usr/local/lib/python3.7/dist-packages/torch/nn/functional.py](https://localhost:8080/#) in")  # fmt: skip
BOX = """\
╭───────────────────── Traceback (most recent call last) ──────────────────────╮
│ /home/u/train.py:31 in <module>                                              │
│                                                                              │
│   30 x = torch.zeros(64, 3, 52, 52)                                          │
│ ❱ 31 loss = net(x).sum()                                                     │
│                                                                              │
│ /home/u/net.py:12 in forward                                                 │
│                                                                              │
│    9 │   def forward(self, x):                                               │
│   11 │   │   x = torch.flatten(x, 1)                                         │
│ ❱ 12 │   │   x = self.fc1(x)                                                 │
│                                                                              │
│ /opt/py/lib/python3.10/site-packages/torch/nn/modules/linear.py:114 in forwa │
│ rd                                                                           │
│                                                                              │
│   113 │   def forward(self, input: Tensor) -> Tensor:                        │
│ ❱ 114 │   │   return F.linear(input, self.weight, self.bias)                 │
╰──────────────────────────────────────────────────────────────────────────────╯
RuntimeError: mat1 and mat2 shapes cannot be multiplied and more words go here
(64x9216 and 400x120)
"""
FORMS |= {"IPython": IPYTHON, "old IPython": OLD_IPYTHON, "Colab": COLAB}


@pytest.mark.parametrize("name", FORMS)
def test_the_exception_is_found(name: str) -> None:
    crash = log.parse(FORMS[name])
    assert first(crash)[0] == "RuntimeError"
    assert first(crash)[1].split("\n")[0].strip() == SIZES, crash.raised
    lines = FORMS[name].replace("\r\n", "\n").split("\n")
    assert crash.error and SIZES in lines[crash.error.line - 1]


@pytest.mark.parametrize("name", sorted(set(FORMS) - {"only the last line", "compiler", "logger", "pytest"}))
def test_the_users_own_line_is_found(name: str) -> None:
    error = log.parse(FORMS[name]).error
    assert error is not None
    assert error.site is not None
    assert error.site.line == 12
    assert error.site.code == "x = self.fc1(x)"
    assert error.frames[-1].library == "torch"


def test_a_box_of_rich_is_unfolded() -> None:
    error = log.parse(BOX).error
    assert error is not None
    assert error.message == "mat1 and mat2 shapes cannot be multiplied and more words go here (64x9216 and 400x120)"
    assert error.site and (error.site.file, error.site.line, error.site.code) == (
        "/home/u/net.py",
        12,
        "x = self.fc1(x)",
    )
    assert error.frames[-1].function == "forward"
    assert error.frames[-1].library == "torch"


def test_carets_mark_the_expression() -> None:
    error = log.parse(PLAIN).error
    assert error and error.frames[0].mark == (7, 13)
    assert error.frames[0].code[7:13] == "net(x)"


def test_consequences_are_told_from_causes() -> None:
    crash = log.parse(FORMS["torchrun with ranks"])
    assert [one.consequence for one in crash.raised] == ["", "launcher"]
    assert crash.rank == 3
    crash = log.parse(FORMS["DataLoader"])
    assert [one.consequence for one in crash.raised] == ["", "wrapper"]


def test_a_launchers_summary_alone_is_seen_as_that() -> None:
    crash = log.parse(CHILD_FAILED)
    assert [one.consequence for one in crash.raised] == ["launcher"]
    assert [(one.rank, one.exit_code, one.host) for one in crash.failed] == [(3, 1, "node7")]


def test_a_log_cut_off_within_a_traceback_tells_the_place() -> None:
    crash = log.parse("\n".join(PLAIN.splitlines()[:8]))
    assert crash.error and not crash.error.whole
    assert crash.error.site and crash.error.site.line == 12


def test_terminate_of_cpp() -> None:
    crash = log.parse("terminate called after throwing an instance of 'c10::Error'\n  what():  CUDA error: unknown error\n"
                      "Exception raised from create_event_internal at CUDACachingAllocator.cpp:1055\n")  # fmt: skip
    assert first(crash)[0] == "c10::Error"
    assert first(crash)[1].startswith("CUDA error: unknown error")


def test_versions_come_from_the_log_alone() -> None:
    crash = log.parse("PyTorch version: 2.1.0+cu118\nCUDA used to build PyTorch: 11.8\n" + PLAIN)
    assert crash.versions == {"torch": "2.1.0+cu118", "cuda": "11.8", "python": "3.10"}
    assert log.parse("RuntimeError: x").versions == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "latin-1"])
def test_encodings(encoding: str) -> None:
    text = ("训练开始\n" if encoding != "latin-1" else "entraînement\n") + PLAIN
    crash = log.read(io.BytesIO(text.encode(encoding)))
    assert not crash.binary
    assert first(crash) == ("RuntimeError", SIZES)
    assert crash.error and crash.error.line == 12


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 40, b"PK\x03\x04" + b"x" * 100, b"\x80\x02}q\x00." * 50, b"\x00" * 5000]
)
def test_binary_files_are_named_as_such(data: bytes) -> None:
    crash = log.read(io.BytesIO(data))
    assert crash.binary
    assert crash.raised == ()


@pytest.mark.parametrize("text", ["", "\n", "all is well\n", EPOCHS])
def test_a_log_without_any_error_has_none(text: str) -> None:
    crash = log.read(io.BytesIO(text.encode()))
    assert crash.raised == ()
    assert crash.lines == text.count("\n")


LINE = "epoch 3 step {n} | loss 0.4312 | val error: 0.02 | memory 12.1 GiB | 31.2 it/s\n"


def long_log(kind: str, size: int) -> bytes:
    if kind == "bar":
        unit = "\r 12%|█▏  | 3/25 [00:01<00:08, 2.7it/s]"
    else:
        unit = LINE if kind == "lines" else "ERROR worker: ValueError: skipping a broken file number {n}\n"
    count = size // len(unit.encode())
    text = "".join(unit.replace("{n}", str(n)) for n in range(count)) + "\n" + PLAIN + EPOCHS
    return text.encode()


@pytest.mark.parametrize("kind", ["lines", "bar", "errors"])
def test_a_long_log_is_read_whole(kind: str) -> None:
    data = long_log(kind, 8_000_000)
    crash = log.read(io.BytesIO(data))
    assert first(crash) == ("RuntimeError", SIZES)
    assert crash.error
    assert SIZES.encode() in data.split(b"\n")[crash.error.line - 1]
    assert crash.lines == data.count(b"\n")


@pytest.mark.parametrize("kind", ["lines", "bar", "errors"])
def test_the_time_of_reading_grows_with_the_length(kind: str) -> None:
    """Not with its square: twice the log takes at most about twice as long. `make bench` has the seconds and the bytes."""

    def seconds(size: int) -> float:
        data = long_log(kind, size)
        begin = time.thread_time()
        log.read(io.BytesIO(data))
        return time.thread_time() - begin

    assert seconds(16_000_000) < 5 * seconds(8_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "Traceback (most recent call last):\n" * 20_000,
        '  File "x.py", line 3, in f\n' * 20_000,
        "RuntimeError: " * 20_000,
        "RuntimeError: x\n" * 20_000,
        "│ ❱ 1 │ \n" * 20_000,
        "[rank0]: " * 20_000,
        "a.b.c." * 20_000 + "Error: x",
        "-" * 100_000 + "\n" + "=" * 100_000,
        "\x1b[" * 50_000,
        "((((" * 30_000 + "Error",
        "\r" * 100_000,
        "| " * 50_000 + "Traceback (most recent call last):",
        "RuntimeError: Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n"
        * 5000,
        '"""\n' * 20_000,
    ],
    ids=range(14),
)
def test_hostile_text_cannot_stall_the_reader(text: str) -> None:
    begin = time.thread_time()
    log.parse(text)
    assert time.thread_time() - begin < 10  # exponential or quadratic matching would take minutes
