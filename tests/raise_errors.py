"""Runs programs that fail, each in a fork of one process that has imported torch, and tells what each printed.

Standard input: JSON, a list of programs. Standard output: JSON, a list of [standard error, exit code].
"""

import contextlib
import json
import linecache
import os
import signal
import sys
import tempfile
import traceback
import warnings

import torch  # noqa: F401

SECONDS = 60
FILE = "/home/user/train.py"


def main():
    results = []
    for program in json.load(sys.stdin):
        with tempfile.TemporaryFile() as errors:
            child = os.fork()
            if child == 0:
                run(program, errors)
            _, status = os.waitpid(child, 0)
            errors.seek(0)
            results.append([errors.read().decode(errors="replace"), os.waitstatus_to_exitcode(status)])
    json.dump(results, sys.stdout)


def run(program, errors):
    os.dup2(errors.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.alarm(SECONDS)
    warnings.resetwarnings()
    status = 0
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            linecache.cache[FILE] = (len(program), None, program.splitlines(True), FILE)
            exec(compile(program, FILE, "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        # as Python itself would print it, without the frames of this file
        error.__traceback__ = error.__traceback__.tb_next
        traceback.print_exception(type(error), error, error.__traceback__)
        status = 1
    with contextlib.suppress(Exception):
        sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
