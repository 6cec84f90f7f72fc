"""`torchward run` is invisible to the script: every case is run bare and watched, and the two must not differ.

What may differ: torchward's own lines on standard error. `--select INT` keeps findings out, so that all of these are
notes and the closing line.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import textwrap
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and process groups of POSIX")

TIMEOUT = 120


def environment(**more: str) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TORCHWARD_", "PYTHONPATH"))}
    return {**env, "OMP_NUM_THREADS": "1", "TORCHWARD_LANG": "en", **more}


def watched(*words: str) -> list[str]:
    """The same command under torchward; what would be `python x` is `torchward run x`.

    `-I` is for the supervisor alone: it keeps a `sitecustomize` in PYTHONPATH from speaking twice.
    """
    return [sys.executable, "-I", "-m", "torchward", "run", "--select", "INT", "--run-dir", "run", *words]


def without_ours(text: str) -> str:
    """Standard error without torchward's lines (and those that continue one, indented beneath it)."""
    return re.sub(r"^torchward: .*\n(?: {11}\S.*\n)*", "", text, flags=re.MULTILINE)


class Ending:
    """How one run ended: what is compared."""

    def __init__(self, process: subprocess.Popen[str], own_lines: bool, input: str | None = None) -> None:  # noqa: A002
        self.stdout, stderr = process.communicate(input, timeout=TIMEOUT)
        self.raw_stderr = stderr
        self.stderr = without_ours(stderr) if own_lines else stderr
        self.returncode = process.returncode

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ending) and self._key() == other._key()

    __hash__ = None  # type: ignore[assignment]

    def _key(self) -> tuple[str, str, int]:
        return (self.stdout, self.stderr, self.returncode)

    def __repr__(self) -> str:
        return f"<{self.returncode}: {self.stdout!r}, {self.raw_stderr!r}>"

    def same_as(self, other: Ending) -> None:
        """Assert that nothing differs; says what does."""
        from difflib import unified_diff

        assert self.returncode == other.returncode, self
        for one, two in ((other.stdout, self.stdout), (other.stderr, self.stderr)):
            assert one == two, "\n".join(unified_diff(one.split("\n"), two.split("\n"), "bare", "watched", n=1))


def start(command: list[str], folder: Path, **options: object) -> subprocess.Popen[str]:
    options.setdefault("env", environment())
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        command,
        cwd=folder,
        text=True,
        **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def both(folder: Path, words: list[str], input: str = "", **more: str) -> tuple[Ending, Ending]:  # noqa: A002
    """(bare, watched) endings of `python <words>`."""
    env = environment(**more)
    bare = Ending(start([sys.executable, *words], folder, env=env), False, input)
    return bare, Ending(start(watched(*words), folder, env=env), True, input)


PROBE = '''
"""Tells everything about its surroundings, then ends in one of many ways."""
import atexit
import json
import os
import pickle
import sys

before = sorted(vars())
modules = sorted(sys.modules)


class Thing:
    def __eq__(self, other):
        return type(other) is Thing


def stack():
    frame, found = sys._getframe(), []
    while frame:
        found.append((frame.f_code.co_filename, frame.f_code.co_name))
        frame = frame.f_back
    return found


def square(x):
    return x * x


def work(context):
    with context.Pool(2) as pool:
        print(pool.map(square, range(5)), pool.map(type, [1, "a"]))


if __name__ == "__main__":
    atexit.register(print, "at exit")
    main = sys.modules["__main__"]
    print(json.dumps({
        "argv": sys.argv, "path": sys.path, "vars": before, "modules": modules, "orig": sys.orig_argv[1:],
        "name": __name__, "file": __file__, "package": __package__, "spec": repr(getattr(__spec__, "name", None)),
        "doc": __doc__, "flags": str(sys.flags), "executable": sys.executable, "prefix": sys.prefix,
        "pickled": pickle.dumps(Thing()).hex(), "back": pickle.loads(pickle.dumps(Thing())) == Thing(),
        "module": Thing.__module__, "hook": repr(sys.excepthook), "cwd": os.getcwd(),
        "stack": stack(),
        "stdin": sys.stdin.isatty(), "sitecustomize": repr(sys.modules.get("sitecustomize")),
    }, indent=1), flush=True)
    print("to stderr", file=sys.stderr)
    ending = sys.argv[1] if len(sys.argv) > 1 else "return"
    if ending == "raise":
        def inner():
            raise ValueError("on purpose")
        inner()
    elif ending == "exit7":
        sys.exit(7)
    elif ending == "message":
        sys.exit("a message")
    elif ending == "hard":
        os._exit(3)
    elif ending == "stdin":
        print([line for line in sys.stdin])
    elif ending.startswith("SIG"):
        import signal
        os.kill(os.getpid(), getattr(signal, ending))
    elif ending in ("spawn", "fork", "forkserver"):
        import multiprocessing
        work(multiprocessing.get_context(ending))
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "probe.py").write_text(PROBE)
    return tmp_path


def script(folder: Path, text: str, name: str = "script.py") -> str:
    (folder / name).write_text(textwrap.dedent(text))
    return name


# --- endings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ending",
    ["return", "raise", "exit7", "message", "hard", "SIGKILL", "SIGTERM", "SIGINT", "SIGUSR1", "SIGABRT",
     "spawn", "fork", "forkserver"],
)  # fmt: skip
def test_same_as_bare(folder: Path, ending: str) -> None:
    bare, seen = both(folder, ["probe.py", ending, "--flag", "a b", "-x"])
    seen.same_as(bare)
    assert "torchward: " in seen.raw_stderr  # it did watch


def test_the_check_above_would_notice(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text("import sys; sys.path.append('trace')")
    bare = Ending(start([sys.executable, "probe.py"], folder), False)
    changed = Ending(start([sys.executable, "probe.py"], folder, env=environment(PYTHONPATH=str(folder))), True)
    assert changed != bare


def test_module(folder: Path) -> None:
    package = folder / "package"
    package.mkdir()
    (package / "__init__.py").write_text("print('package')")
    (package / "__main__.py").write_text(PROBE)
    bare, seen = both(folder, ["-m", "package", "exit7", "--flag"])
    assert bare.returncode == 7
    seen.same_as(bare)


def test_folder_with_main(folder: Path) -> None:
    (folder / "program").mkdir()
    (folder / "program" / "__main__.py").write_text(PROBE)
    bare, seen = both(folder, ["program", "raise"])
    assert bare.returncode == 1
    seen.same_as(bare)


def test_stdin_of_the_script(folder: Path) -> None:
    bare, seen = both(folder, ["probe.py", "stdin"], input="one\ntwo\n")
    assert "['one\\n', 'two\\n']" in bare.stdout
    seen.same_as(bare)


def test_program_from_stdin_and_from_the_command_line(folder: Path) -> None:
    bare, seen = both(folder, ["-", "word"], input="import sys; print(sys.argv, sys.path); sys.exit(4)")
    assert bare.returncode == 4
    seen.same_as(bare)
    (folder / "run").rename(folder / "first")
    bare, seen = both(folder, ["-c", "import sys; print(sys.argv, sys.path); 1/0", "--lang", "xx"])
    assert bare.returncode == 1
    seen.same_as(bare)


@pytest.mark.parametrize("more", [{}, {"other": "elsewhere"}])
def test_own_sitecustomize_and_pythonpath(folder: Path, more: dict[str, str]) -> None:
    (folder / "custom").mkdir()
    (folder / "custom" / "sitecustomize.py").write_text(
        "import sys\nMARK = 1\nprint('customised', __name__, __file__, sys.modules[__name__].MARK, sys.path)\n"
    )
    paths = os.pathsep.join([str(folder / "custom"), *more.values()])
    bare, seen = both(folder, ["probe.py", "raise"], PYTHONPATH=paths)
    assert "customised sitecustomize" in bare.stdout
    seen.same_as(bare)


def test_broken_sitecustomize(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text("import no_such_module\n")
    bare, seen = both(folder, ["probe.py"], PYTHONPATH=str(folder))
    assert "no_such_module" in bare.stderr
    seen.same_as(bare)


FAKE_TORCH = """
import warnings
warnings.warn("deprecated", stacklevel=2)
{body}
"""

IMPORTER = """
    import importlib.util
    import sys

    found = importlib.util.find_spec("torch")
    print(found.name, type(found.loader).__name__, found.origin)

    def load():
        import torch
        return torch

    torch = load()
    print([getattr(finder, "__name__", type(finder).__name__) for finder in sys.meta_path], sys.path)
    print(type(torch.__loader__), vars(torch.__loader__), torch.__spec__.loader is torch.__loader__)
"""


@pytest.mark.parametrize("body", ["", "import no_such_module", "1 / 0", "raise SystemExit(5)"])
def test_import_of_torch_reads_the_same(folder: Path, body: str) -> None:
    """With a stand-in for torch, which the recorder cannot hook: one line says so, and the script goes on."""
    (folder / "torch").mkdir()
    (folder / "torch" / "__init__.py").write_text(FAKE_TORCH.format(body=body))
    bare, seen = both(folder, [script(folder, IMPORTER)])
    assert "UserWarning: deprecated" in bare.stderr
    seen.same_as(bare)
    assert ("torchward: not watching" in seen.raw_stderr) == (not body)


def test_python_without_torch_keeps_its_modules(folder: Path) -> None:
    """`torchward` itself is not loaded into a process that never imports torch."""
    _, seen = both(folder, ["-c", "import sys; print([name for name in sys.modules if 'torchward' in name])"])
    assert seen.stdout == "[]\n"


# --- signals -------------------------------------------------------------------------------------------------------

COUNTER = """
    import os, signal, sys, time

    got = []
    for name in ("SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGHUP", "SIGQUIT"):
        signal.signal(getattr(signal, name), lambda number, frame: got.append(number))
    print("ready", os.getpid(), flush=True)
    end = time.monotonic() + 30
    while not got and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.4)
    print("got", got)
    sys.exit(9)
"""

SLEEPER = """
    import os, time
    print("ready", os.getpid(), flush=True)
    time.sleep(60)
"""


def ready(process: subprocess.Popen[str]) -> int:
    """The pid that the script itself prints first."""
    line = process.stdout.readline() if process.stdout else ""
    assert line.startswith("ready "), line + (process.stderr.read() if process.stderr else "")
    return int(line.split()[1])


def signalled(command: list[str], folder: Path, number: int, to: str) -> Ending:
    process = start(command, folder, start_new_session=True)
    child = ready(process)
    time.sleep(0.2)  # past the line that said so
    if to == "child":
        os.kill(child, number)
    elif to == "supervisor":
        os.kill(process.pid, number)
    else:
        os.killpg(process.pid, number)
    return Ending(process, "torchward" in command)


@pytest.mark.parametrize("to", ["child", "supervisor", "group"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGHUP", "SIGQUIT"])
def test_a_signal_reaches_the_handler_once(folder: Path, name: str, to: str) -> None:
    number = getattr(signal, name)
    seen = signalled(watched(script(folder, COUNTER)), folder, number, to)
    assert seen.stdout == f"got [{int(number)}]\n"
    assert seen.returncode == 9


@pytest.mark.parametrize(
    ("name", "to"),
    [("SIGINT", "supervisor"), ("SIGINT", "group"), ("SIGTERM", "supervisor"), ("SIGHUP", "supervisor"),
     ("SIGKILL", "child"), ("SIGTERM", "child")],
)  # fmt: skip
def test_death_by_signal_as_bare(folder: Path, name: str, to: str) -> None:
    number = getattr(signal, name)
    sleeper = script(folder, SLEEPER)
    bare = signalled([sys.executable, sleeper], folder, number, to)
    seen = signalled(watched(sleeper), folder, number, to)
    assert bare.returncode in (-number, 130)
    seen.same_as(bare)


def test_ignored_signals_stay_ignored(folder: Path) -> None:
    """As under `nohup`: neither the supervisor nor the script dies of SIGHUP."""
    name = script(folder, """
        import os, signal, time
        print("ready", os.getpid(), flush=True)
        time.sleep(0.5)
        print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)
    """)  # fmt: skip
    command = ["nohup", *watched(name)]
    process = start(command, folder, stdin=subprocess.DEVNULL)
    ready(process)
    os.kill(process.pid, signal.SIGHUP)
    seen = Ending(process, True)
    assert seen.stdout == "True\n"
    assert seen.returncode == 0


def gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="reads /proc")
@pytest.mark.parametrize("stubborn", [False, True])
def test_no_child_outlives_a_killed_supervisor(folder: Path, stubborn: bool) -> None:
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if stubborn else ""
    name = script(folder, ignore + textwrap.dedent(SLEEPER))
    process = start(watched(name), folder)
    child = ready(process)
    assert not gone(child, 0.3)
    process.kill()
    assert process.wait(10) == -signal.SIGKILL
    assert gone(child, 4 if not stubborn else 12)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()


def test_a_grandchild_that_keeps_the_pipes_open_does_not_hold_the_supervisor(folder: Path) -> None:
    name = script(folder, """
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print("ready", child.pid, flush=True)
    """)  # fmt: skip
    process = start(watched(name), folder)
    daemon = ready(process)
    try:
        assert process.wait(20) == 0
        assert not gone(daemon, 0.2)  # as bare: it is the script's business
    finally:
        os.kill(daemon, signal.SIGKILL)
        process.communicate()


def test_ctrl_c_while_reporting_ends_at_once(folder: Path) -> None:
    """... with the exit status of the command, which has ended by then."""
    code = """
        import sys, time
        from torchward.commands import run
        def slow(self, returncode, as_json):
            print("ready", 0, flush=True)
            time.sleep(60)
        run._Supervisor.finish = slow
        sys.exit(run.main(["-c", "raise SystemExit(7)"]))
    """
    process = start([sys.executable, "-c", textwrap.dedent(code)], folder)
    ready(process)
    before = time.monotonic()
    process.send_signal(signal.SIGINT)
    seen = Ending(process, False)
    assert (seen.returncode, seen.stderr) == (7, "")
    assert time.monotonic() - before < 10


# --- on a terminal -------------------------------------------------------------------------------------------------


class Terminal:
    """A command in a session of its own on a pseudo terminal, like one typed into a window."""

    def __init__(self, command: list[str], folder: Path, **streams: object) -> None:
        self.master, slave = pty.openpty()
        for name in ("stdin", "stdout", "stderr"):
            streams.setdefault(name, slave)

        def take() -> None:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(  # type: ignore[call-overload]
            command,
            cwd=folder,
            env=environment(),
            preexec_fn=take,  # noqa: PLW1509  (no threads here)
            **streams,
        )
        os.close(slave)
        os.set_blocking(self.master, False)
        self.text = ""

    def until(self, pattern: str, seconds: float = 30) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self.text += os.read(self.master, 4096).decode(errors="replace")
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:  # the other side is closed
                time.sleep(0.02)
            match = re.search(pattern, self.text)
            if match:
                return match
        raise AssertionError(f"no {pattern!r} in {self.text!r}")

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


@pytest.fixture
def terminal(folder: Path):  # type: ignore[no-untyped-def]
    opened: list[Terminal] = []

    def open_one(*words: str, **streams: object) -> Terminal:
        opened.append(Terminal(watched(*words), folder, **streams))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def test_ctrl_c_on_a_terminal(folder: Path, terminal) -> None:  # type: ignore[no-untyped-def]
    screen = terminal(script(folder, COUNTER))
    screen.until("ready")
    screen.type(b"\x03")
    assert screen.until(r"got \[([\d, ]*)\]")[1] == "2"
    assert screen.process.wait(30) == 9


def test_script_owns_the_terminal(folder: Path, terminal) -> None:  # type: ignore[no-untyped-def]
    screen = terminal(script(folder, """
        import os
        print("foreground", os.tcgetpgrp(0) == os.getpgrp(), flush=True)
        print("said", input("name? "), flush=True)
    """))  # fmt: skip
    screen.until(r"name\?")
    screen.type(b"me\n")
    screen.until("said me")
    assert "foreground True" in screen.text
    assert screen.process.wait(30) == 0


def test_script_that_asks_while_its_output_goes_to_a_pipe(folder: Path, terminal) -> None:  # type: ignore[no-untyped-def]
    screen = terminal(script(folder, """
        import sys
        print("ready", file=sys.stderr, flush=True)
        print("said", sys.stdin.readline())
    """), stdout=subprocess.PIPE)  # fmt: skip
    screen.until("ready")
    time.sleep(0.3)
    screen.type(b"me\n")
    assert screen.process.wait(30) == 0
    assert screen.process.stdout.read().startswith(b"said me")
    screen.process.stdout.close()


def test_stop_and_continue_like_a_shell_job(folder: Path) -> None:
    """SIGTSTP to the supervisor stops script and supervisor; SIGCONT lets both go on."""
    # The kernel does not stop a group that is orphaned, as that of these tests may be: a group of its own, but in this
    # session, has a parent outside of it and is none.
    process = start(watched(script(folder, """
        import os, signal, time
        going = []
        signal.signal(signal.SIGCONT, lambda *_: going.append(True))
        print("ready", os.getpid(), flush=True)
        for _ in range(300):
            if going:
                break
            time.sleep(0.1)
        print("done")
    """)), folder, preexec_fn=os.setpgrp)  # fmt: skip
    child = ready(process)
    os.kill(process.pid, signal.SIGTSTP)
    stopped = 0
    for _ in range(100):
        states = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in (child, process.pid)]
        stopped = max(stopped, sum(state == "T" for state in states))
        if stopped == 2:
            break
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGCONT)
    seen = Ending(process, True)
    assert seen.stdout == "done\n"
    assert seen.returncode == 0
    assert stopped == 2


# --- nowhere to write ----------------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_costs_one_line(folder: Path) -> None:
    (folder / ".torchward").write_text("in the way")
    command = [sys.executable, "-m", "torchward", "run", "probe.py", "exit7"]
    seen = Ending(start(command, folder), True)
    bare = Ending(start([sys.executable, "probe.py", "exit7"], folder), False)
    seen.same_as(bare)
    assert seen.raw_stderr.count("torchward: not watching") == 1


def test_closed_standard_error(folder: Path) -> None:
    command = f"{sys.executable} -m torchward run --run-dir run probe.py exit7 2>&- 3>&1"
    done = subprocess.run(
        ["sh", "-c", command], check=False, cwd=folder, env=environment(), capture_output=True, timeout=TIMEOUT
    )
    assert done.returncode == 7
    assert b"torchward:" not in done.stdout


# --- with torch ----------------------------------------------------------------------------------------------------

TRAINING = """
    import atexit, json, os, pickle, signal, sys
    import torch
    from torch import nn

    atexit.register(print, "at exit")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x):
            return self.layer(x)

    class Data(torch.utils.data.Dataset):
        def __len__(self):
            return 16

        def __getitem__(self, index):
            return torch.full((4,), float(index)) / 16, index % 2

    if __name__ == "__main__":
        torch.manual_seed(0)
        print(sys.argv, sys.path, sorted(vars()), __spec__)
        print([getattr(finder, "__name__", type(finder).__name__) for finder in sys.meta_path])
        print(type(torch.__loader__), vars(torch.__loader__), torch.__spec__.loader is torch.__loader__)
        net = Net()
        print(len(pickle.dumps(net)), pickle.loads(pickle.dumps(Net)) is Net)
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        loader = torch.utils.data.DataLoader(
            Data(), 4, shuffle=True, num_workers=int(sys.argv[2]), multiprocessing_context=sys.argv[3] or None
        )
        for _ in range(2):
            for x, y in loader:
                loss = nn.functional.cross_entropy(net(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                print(loss.item().hex())
        sys.stdout.flush()
        if sys.argv[1] == "raise":
            net(torch.zeros(3))
        if sys.argv[1] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.exit(7)
"""


@pytest.mark.torch
@pytest.mark.parametrize(
    ("ending", "workers", "context"),
    [("raise", "0", ""), ("exit", "2", "fork"), ("exit", "1", "spawn"), ("exit", "1", "forkserver"), ("kill", "0", "")],
)
def test_training_same_as_bare(folder: Path, ending: str, workers: str, context: str) -> None:
    bare, seen = both(folder, [script(folder, TRAINING), ending, workers, context])
    assert bare.returncode == {"raise": 1, "exit": 7, "kill": -9}[ending]
    seen.same_as(bare)
    assert "torchward: not watching" not in seen.raw_stderr
    assert list((folder / "run" / "logs").iterdir())


DISTRIBUTED = """
    import os
    import torch
    import torch.distributed as dist
    from torch import nn

    dist.init_process_group("gloo")
    torch.manual_seed(0)
    net = nn.parallel.DistributedDataParallel(nn.Linear(4, 2))
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for step in range(4):
        x = torch.full((8, 4), float(dist.get_rank() + step))
        loss = nn.functional.cross_entropy(net(x), torch.arange(8) % 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    os.write(1, f"{dist.get_rank()} {loss.item().hex()}{os.linesep}".encode())  # in one piece: two ranks share the pipe
    dist.barrier()
    dist.destroy_process_group()
"""


def launched(command: list[str], folder: Path, own_lines: bool) -> Ending:
    """How a launcher's run ended; again where gloo's own threads aborted it at exit, as they do now and then."""
    for _ in range(4):
        shutil.rmtree(folder / "run", ignore_errors=True)
        ending = Ending(start(command, folder), own_lines)
        if "terminate called without an active exception" not in ending.raw_stderr:
            break
    return ending


@pytest.mark.torch
def test_torchrun(folder: Path) -> None:
    name = script(folder, DISTRIBUTED)
    words = ["torchrun", "--standalone", "--nproc-per-node", "2", name]
    beside = os.path.join(os.path.dirname(sys.executable), "torchrun")
    bare = launched([beside, *words[1:]], folder, False)
    seen = launched(watched(*words), folder, True)
    assert bare.returncode == 0
    assert (sorted(seen.stdout.split("\n")), seen.returncode) == (sorted(bare.stdout.split("\n")), 0)
    assert len(list((folder / "run" / "logs").iterdir())) >= 2  # one log per rank


@pytest.mark.torch
def test_torchrun_with_a_failing_rank(folder: Path) -> None:
    name = script(folder, "import os, sys, torch\nsys.exit(3 if os.environ['RANK'] == '1' else 0)\n")
    words = ["torchrun", "--standalone", "--nproc-per-node", "2", name]
    seen = Ending(start(watched(*words), folder), True)
    assert seen.returncode == 1
    assert "exitcode" in seen.stderr
