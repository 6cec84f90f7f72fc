"""The `torchward` command. Answers `--help` without importing any command."""

from __future__ import annotations

import sys

from torchward.usage import Exit, Help, UsageError, suggestion

COMMANDS = {
    "run": "run a training script, watch it, and name its silent bugs",
    "doctor": "check whether this machine is ready for PyTorch, and how to make it so",
    "explain": "say why a program crashed, from its log",
    "show": "show the findings of a run again, also while it is running",
    "recipes": "list training programs that work, to run or to start from",
    "new": "start a project from a recipe",
    "rules": "list the rules",
    "rule": "explain one rule",
    "metric": "explain a number that a reinforcement-learning library logs",
}


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code. Usage errors are printed, never raised."""
    name, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        if name in ("-h", "--help"):
            print(_help())
            return Exit.CLEAN
        if name in ("-V", "--version"):
            from torchward import __version__

            print(f"torchward {__version__}")
            return Exit.CLEAN
        if name not in COMMANDS:
            kind = "option" if name.startswith("-") else "command"
            raise UsageError(f"no {kind} `{name}`", _near(name))
        from importlib import import_module

        return int(import_module(f"torchward.commands.{name}").main(rest))
    except Help as text:
        print(text)
        return Exit.CLEAN
    except UsageError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"\nhint: {error.hint}", file=sys.stderr)
        return Exit.USAGE


def entry() -> None:
    """The console script. A reader that went away (`torchward rules | head`) is no error worth a traceback."""
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = Exit.CLEAN
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _near(name: str) -> str:
    if name.endswith(".py"):
        return f"to watch a script write `torchward run {name}`"
    return suggestion(name, ["-h", "--help", "-V", "--version"] if name.startswith("-") else list(COMMANDS))


def _help() -> str:
    rows = "\n".join(f"  {name:<7} {text}" for name, text in COMMANDS.items())
    return (
        "usage: torchward <command> [options]\n\n"
        f"{rows}\n\n"
        "`torchward <command> --help` lists its options; `torchward --version` tells the version."
    )
