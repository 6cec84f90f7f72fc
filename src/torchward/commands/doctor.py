"""`torchward doctor`: is this machine ready for PyTorch, and if not, the commands. Nothing is executed or installed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torchward import config
from torchward.usage import FORMAT, IGNORE, LANG, SELECT, Exit, Option, UsageError, parse

if TYPE_CHECKING:
    from torchward.facts import Machine
    from torchward.report._redact import Redactor

OPTIONS = (
    Option("--want", "WHAT", "gpu: the ordered commands from this machine to a working GPU build", choices=("gpu",)),
    Option("--use-cuda", "VERSION", "print shell lines that switch to this CUDA toolkit, for `eval`"),
    Option("--from", "FILE", "judge another machine: our JSON, or what collect_env or nvidia-smi printed (-: stdin)"),
    Option("--issue", help="a block to paste into a bug report, redacted"),
    Option("--live", help="try torch out in a process of its own (the default where it is installed)"),
    Option("--no-live", help="do not import torch at all"),
    Option("--no-redact", help="keep names of users and hosts and paths below home in JSON and --issue"),
    Option("--all", help="every finding in full, and the packages that bring CUDA"),
    FORMAT,
    LANG,
    SELECT,
    IGNORE,
)  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Examine a machine; 0 when it is ready, 1 when something above a hint was found."""
    found = parse(
        argv,
        OPTIONS,
        "torchward doctor [options]",
        "Check whether this machine is ready for PyTorch, and give the exact commands if it is not.",
    )
    if found.rest:
        raise UsageError(f"unexpected `{found.rest[0]}`", f"another machine: `torchward doctor --from {found.rest[0]}`")
    if found.switch("--live") and found.switch("--no-live"):
        raise UsageError("`--live` and `--no-live` exclude each other")
    settings = config.load()
    language = config.language(found.given("--lang"), settings)
    select, ignore = found.many("--select"), found.many("--ignore")
    chosen = settings.select if select is None else config.codes(select, "`--select`")
    left_out = (*settings.ignore, *config.codes(ignore or (), "`--ignore`"))

    start = time.perf_counter()
    file = found.given("--from")
    if file is not None and (found.switch("--live") or found.given("--use-cuda")):
        raise UsageError("`--from` is about another machine: it goes without `--live` and `--use-cuda`")
    wanted_cuda = found.given("--use-cuda")
    if wanted_cuda is not None:
        return _use_cuda(wanted_cuda)
    machine = _other(file) if file is not None else _this(found.switch("--live"), found.switch("--no-live"))

    from torchward.engine import judge, load_rules
    from torchward.prescribe import plan
    from torchward.report import machine as report

    rules = load_rules(select=("ENV",))
    # A project's `select` is about its training code: one that names no rule of the machine does not switch these off.
    own = tuple(code for code in chosen if code.upper().startswith("ENV") or "ENV".startswith(code.upper()))
    want_gpu = found.given("--want") == "gpu"
    examination = report.Examination(
        machine=machine,
        diagnosis=judge([machine], rules, own if select is None else chosen, left_out),
        rules=rules,
        plan=plan(machine, want_gpu),
        language=language,
        want_gpu=want_gpu,
        seconds=time.perf_counter() - start if file is None else None,
    )
    redactor = None if found.switch("--no-redact") else _redactor(here=file is None)
    if found.switch("--issue"):
        sys.stdout.write(report.issue(examination, redactor))
    elif found.given("--format") == "json":
        sys.stdout.write(report.dump(examination, redactor))
    else:
        report.write(examination, sys.stdout, everything=found.switch("--all"))
    return Exit.CLEAN if examination.ready else Exit.FINDINGS


def _this(live: bool, no_live: bool) -> Machine:
    """This machine. Torch is tried out while the rest is looked at."""
    from concurrent.futures import ThreadPoolExecutor
    from dataclasses import replace

    from torchward.collect.live import check
    from torchward.collect.machine import collect

    with ThreadPoolExecutor(max_workers=1) as pool:
        trial = None
        if not no_live and (live or _torch_is_there()):
            trial = pool.submit(check)
        machine = collect()
        if trial is None:
            return machine
        answer, archs = trial.result()
        torch = replace(machine.torch, archs=archs) if machine.torch else None
        return replace(machine, live=answer, torch=torch)


def _torch_is_there() -> bool:
    """Whether an import would find torch; finds no file of the working folder, which is not ours to run."""
    return any(os.path.isfile(os.path.join(entry, "torch", "version.py")) for entry in sys.path if entry)


def _other(file: str) -> Machine:
    from torchward.collect import others

    try:
        data = sys.stdin.buffer.read(others.MOST * 2) if file == "-" else _bytes(Path(file), others.MOST * 2)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror or error}") from None
    try:
        return others.read(data.decode(_encoding(data), "replace"))
    except ValueError as error:
        hint = "python -m torch.utils.collect_env > report.txt; torchward doctor --from report.txt"
        raise UsageError(f"{file} cannot be used: {error}", hint) from None


def _encoding(data: bytes) -> str:
    """UTF-16 is what a shell of Windows writes, with or without its mark."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    return {(False, True): "utf-16-le", (True, False): "utf-16-be"}.get(
        (data[:1] == b"\0", data[1:2] == b"\0"), "utf-8"
    )


def _bytes(path: Path, most: int) -> bytes:
    with path.open("rb") as stream:
        return stream.read(most)


def _use_cuda(wanted: str) -> int:
    import platform

    from torchward.collect._cuda import toolkits
    from torchward.collect._look import Look
    from torchward.facts import Machine, System
    from torchward.prescribe import use_cuda

    look = Look()
    machine = Machine(system=System(name=platform.system()), toolkits=toolkits(look))
    lines = use_cuda(machine, wanted, look.env.get("PATH", ""), look.env.get("LD_LIBRARY_PATH", ""))
    if lines is None:
        there = ", ".join(f"{one.version} ({one.path})" for one in machine.toolkits or () if one.version)
        raise UsageError(
            f"no CUDA toolkit {wanted} on this machine", f"there are: {there}" if there else "there is none"
        )
    print("\n".join(lines))
    return Exit.CLEAN


def _redactor(*, here: bool) -> Redactor:
    from torchward.report._redact import Redactor

    if not here:
        return Redactor()
    import platform

    home = os.path.expanduser("~")
    user = os.environ.get("USER") or os.environ.get("USERNAME") or os.path.basename(home)
    return Redactor(home, user, platform.node())
