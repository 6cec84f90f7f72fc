"""The supervised process: started in a process group of its own, signalled exactly once, waited for, never left behind.

Why a group of its own: a signal to the supervisor alone (Slurm, Kubernetes, `kill`) and Ctrl-C to the whole group
then reach the child in one and the same way, through the supervisor, and hence once. On a terminal the supervisor does
for the child what a shell does for a job: it hands over the foreground, stops when the child is stopped, and goes on
with it. Standard input, output and error are inherited untouched.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

_TO_GROUP = ("SIGINT", "SIGQUIT", "SIGHUP", "SIGTSTP", "SIGCONT", "SIGWINCH")
"""What a terminal sends to all processes of the foreground job."""
_TO_CHILD = ("SIGTERM", "SIGUSR1", "SIGUSR2")
"""What schedulers send to one process. A bare script would get these alone, without its loader workers, whose copies
of its handlers would otherwise all save a checkpoint."""
_GRACE = 5.0
"""Seconds that a child has between SIGTERM and SIGKILL when its supervisor was killed."""


def run(path: str, argv: Sequence[str], env: Mapping[str, str], tick: Callable[[], float]) -> int:
    """Run a program to its end; gives its exit code, or -N when signal N ended it.

    `tick` is called in between and says after how many seconds it wants to be called again. Raises `OSError` when
    the program cannot be started.
    """
    if os.name == "nt":
        return _run_windows(path, argv, env, tick)
    return _Child(path, argv, env).wait(tick)


def leave_as(returncode: int) -> int:
    """End this process as the child ended: killed by the same signal, or with the exit code that this returns."""
    if returncode >= 0:
        return returncode
    number = -returncode
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    except (ImportError, OSError, ValueError):
        return 128 + number
    return 128 + number  # process 1 of a container, which no signal ends


class _Child:
    def __init__(self, path: str, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self._pid = 0
        self._ended = False
        self._early: list[int] = []
        self._stop_asked = False
        self._terminal = _terminal()
        self._had_terminal = False
        self._before: dict[int, object] = {}
        self._guard = _Guard()

        self._wake, wake_end = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        self._wake_end = wake_end
        self._handle("SIGCHLD", lambda number, frame: None)
        for name in (*_TO_GROUP, *_TO_CHILD):
            self._handle(name, self._forward)
        # Taking the terminal back from the child's group stops a process that does not ignore this.
        self._before[signal.SIGTTOU] = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            # Signals with a handler are reset to their default by exec; those that Python (SIGPIPE, SIGXFSZ) or
            # this class ignores are named; those that this process was told to ignore (nohup) stay ignored.
            reset = [signal.SIGPIPE, signal.SIGTTOU, *([signal.SIGXFSZ] if hasattr(signal, "SIGXFSZ") else [])]
            self._pid = os.posix_spawn(path, list(argv), dict(env), setpgroup=0, setsigdef=reset)
        except BaseException:
            self._close()
            raise
        self._guard.watch(self._pid)
        if self._terminal >= 0 and all(os.isatty(fd) for fd in (0, 1, 2)):
            self._give_terminal()
        for number in self._early:
            self._send(number)

    def wait(self, tick: Callable[[], float]) -> int:
        """Serve the child until it ends."""
        import select

        try:
            while True:
                pid, status = os.waitpid(self._pid, os.WNOHANG | os.WUNTRACED)
                if pid and os.WIFSTOPPED(status):
                    self._stopped(os.WSTOPSIG(status))
                elif pid:
                    self._ended = True
                    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                elif select.select([self._wake], [], [], tick())[0]:
                    os.read(self._wake, 4096)
        finally:
            self._close()

    # --- signals ---

    def _handle(self, name: str, handler: Callable[[int, FrameType | None], None]) -> None:
        number = getattr(signal, name, None)
        # What this process was started to ignore (nohup, background jobs of scripts) the child is to ignore too.
        if number is not None and (signal.getsignal(number) is not signal.SIG_IGN or name == "SIGCHLD"):
            self._before[number] = signal.signal(number, handler)

    def _forward(self, number: int, frame: FrameType | None) -> None:
        if self._ended:
            return
        if not self._pid:
            self._early.append(number)
        else:
            self._send(number)

    def _send(self, number: int) -> None:
        if number == signal.SIGTSTP:
            self._stop_asked = True
        try:
            if signal.Signals(number).name in _TO_CHILD:
                os.kill(self._pid, number)
            else:
                os.killpg(self._pid, number)
        except (ProcessLookupError, PermissionError):
            return  # it ended a moment ago, or changed its user: the next wait tells

    # --- the terminal ---

    def _give_terminal(self) -> bool:
        """Make the child's group the foreground job, if ours is."""
        try:
            if os.tcgetpgrp(self._terminal) != os.getpgrp():
                return False
            os.tcsetpgrp(self._terminal, self._pid)
        except OSError:
            return False
        self._had_terminal = True
        return True

    def _take_terminal(self) -> None:
        try:
            if self._had_terminal and os.tcgetpgrp(self._terminal) in (self._pid, 0):
                os.tcsetpgrp(self._terminal, os.getpgrp())
        except OSError:
            return  # the terminal is gone

    def _stopped(self, number: int) -> None:
        """The child was stopped. For a terminal's reason stop with it, as one job, and go on with it.

        A child in a background group that reads from the terminal is handed the foreground instead, if it is ours to
        give: that is when output goes to a pipe, where the job's other processes may want the terminal too.
        """
        wants_terminal = number in (signal.SIGTTIN, signal.SIGTTOU)
        if wants_terminal and self._terminal >= 0 and self._give_terminal():
            self._send(signal.SIGCONT)
            return
        if not wants_terminal and number != signal.SIGTSTP:
            return  # SIGSTOP to the child alone: whoever sent it will continue it
        if self._terminal < 0 and not self._stop_asked:
            return
        self._take_terminal()
        self._stop_asked = False
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # returns once someone continues this process
        signal.signal(signal.SIGTSTP, handler)
        if self._had_terminal:
            self._give_terminal()
        self._send(signal.SIGCONT)

    def _close(self) -> None:
        self._take_terminal()
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._guard.release()
        for descriptor in (self._wake, self._wake_end, self._terminal):
            if descriptor >= 0:
                os.close(descriptor)


def _terminal() -> int:
    """The controlling terminal, or -1."""
    try:
        return os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return -1


class _Guard:
    """A forked process that outlives a supervisor killed with SIGKILL, and then ends the child and its group.

    It learns of that by the end of a pipe that only the supervisor can write to. It is in a session of its own, out
    of reach of what is sent to the job.
    """

    def __init__(self) -> None:
        read_end, self._pipe = os.pipe()
        try:
            self._pid = os.fork()
        except OSError:  # no process to spare: the child runs unguarded
            self._pid = -1
        if self._pid == 0:
            try:
                _guard(read_end)
            finally:
                os._exit(0)
        os.close(read_end)

    def watch(self, pid: int) -> None:
        self._write(f"{pid}\n".encode())

    def release(self) -> None:
        """The child has ended: there is nothing left to guard."""
        self._write(b".")
        os.close(self._pipe)
        if self._pid > 0:
            try:
                os.waitpid(self._pid, 0)
            except ChildProcessError:
                self._pid = -1

    def _write(self, data: bytes) -> None:
        try:
            os.write(self._pipe, data)
        except BrokenPipeError:
            return  # the guard itself was killed


def _guard(read_end: int) -> None:
    os.setsid()
    os.chdir("/")
    signal.set_wakeup_fd(-1)
    for name in (*_TO_GROUP, *_TO_CHILD):
        if name not in ("SIGTSTP", "SIGCONT"):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    os.closerange(0, read_end)  # an open end of a pipe of the user's would keep its reader waiting
    os.closerange(read_end + 1, 65_536)
    told = b""
    while data := os.read(read_end, 64):
        told += data
    if told.endswith(b".") or not told.endswith(b"\n"):
        return
    group = int(told)
    deadline = time.monotonic() + _GRACE
    try:
        os.killpg(group, signal.SIGTERM)
        os.killpg(group, signal.SIGCONT)
        while time.monotonic() < deadline:
            time.sleep(0.05)
            os.killpg(group, 0)
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # all gone


def _run_windows(path: str, argv: Sequence[str], env: Mapping[str, str], tick: Callable[[], float]) -> int:
    import subprocess

    # Ctrl-C goes to every process of the console, so the child has it already.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen([path, *argv[1:]], env=dict(env))
    try:
        while True:
            try:
                return child.wait(timeout=max(0.01, tick()))
            except subprocess.TimeoutExpired:
                continue
    finally:
        signal.signal(signal.SIGINT, before)
