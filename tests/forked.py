"""Runs training programs in forks of one process that has imported torch: seconds less for each than a new interpreter.

    python tests/forked.py        reads lines `program <TAB> folder <TAB> language`, answers each with a line of JSON

The recorder, its log and the rules are the real ones; what `torchward run` adds (starting the interpreter, signals, the
report) is tested elsewhere. A program that starts processes of its own is run through the command line instead.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType


def train(program: Path, folder: Path) -> int:
    """In the child: the program as `__main__`, watched; its exit status."""
    from torchward.runtime import watch

    source, status = program.read_text(encoding="utf-8"), 0
    code = compile(source, str(program), "exec")
    main = ModuleType("__main__")
    main.__file__ = str(program)
    sys.modules["__main__"] = main
    sys.argv, sys.path[0] = [str(program)], str(program.parent)
    if watch.start(folder / "run", language="en") is None:
        return 9
    try:
        exec(code, vars(main))
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    watch.stop(clean=True)
    return status


def run(program: Path, folder: Path, language: str) -> dict[str, object]:
    """Exit status, what was printed, and findings as in `findings.json`."""
    from torchward.commands._session import Session, host, write_launch
    from torchward.report import json as report

    (folder / "run").mkdir(parents=True)
    launch = {
        "command": ["python", str(program)],
        "cwd": str(folder),
        "host": host(),
        "pid": os.getpid(),
        "started": time.time(),
        "ended": None,
        "returncode": None,
        "options": {"budget": 0.02, "probes": True, "select": [], "ignore": []},
    }
    write_launch(folder / "run", launch)
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        status = train(program, folder)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    write_launch(folder / "run", {**launch, "ended": time.time(), "returncode": status})
    session = Session(folder / "run")
    session.poll()
    outcome = session.outcome(language)
    return {
        "status": status,
        "output": (folder / "output").read_text(errors="replace"),
        "findings": json.loads(report.dump(outcome))["findings"],
        "errors": [error for run in outcome.runs for error in run.errors],
    }


def main() -> None:
    import sklearn.datasets
    import torch
    import torch._dynamo

    assert sklearn.datasets
    torch.set_num_threads(1)
    for line in sys.stdin:
        program, folder, language = line.rstrip("\n").split("\t")
        print(json.dumps(run(Path(program), Path(folder), language)), flush=True)


if __name__ == "__main__":
    main()
