"""The arrows between the rooms, walked in the source; and what `--help` does not load."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "torchward"

ALLOWED = {
    "facts": {"facts"},
    "rule": set(),
    "runlog": set(),
    "usage": set(),
    "compat": set(),
    "prescribe": {"compat", "facts", "rule"},
    "rules": {"compat", "facts", "prescribe", "rule", "rules"},
    "errors": {"facts", "rule", "errors"},
    "report": {"compat", "facts", "prescribe", "rule", "report", ""},
    "engine": {"facts", "rule", "rules", "errors"},
    "collect": {"facts", "runlog", "collect"},
    "config": {"usage", "rule", "engine"},
    "runtime": {"runlog", "runtime", ""},
}
"""Room -> rooms that it may import; the empty one is the package itself, for its version. Others may import all."""

TORCH_FREE = set(ALLOWED) - {"runtime", "collect"}


def imports(source: str) -> Iterator[tuple[str, bool]]:
    """(module, whether at module level) of each import; relative ones do not occur here (and fail the test)."""

    def walk(node: ast.AST, top: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for name in child.names:
                    yield name.name, top
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, "relative import"
                if child.module == "torchward":
                    for name in child.names:
                        yield f"torchward.{name.name}", top
                else:
                    yield child.module or "", top
            else:
                yield from walk(child, top and not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)))

    yield from walk(ast.parse(source), True)


def violations(room: str, source: str) -> list[str]:
    """What a file in `room` imports against the arrows."""
    wrong = []
    for module, top in imports(source):
        first, *rest = module.split(".")
        if first == "torchward":
            target = rest[0] if rest and not rest[0].startswith("__") else ""
            if room in ALLOWED and target not in ALLOWED[room]:
                wrong.append(module)
        elif first == "torch" and (room in TORCH_FREE or (room == "collect" and top)):
            wrong.append(module)
    return wrong


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


FILES = sorted(path for path in PACKAGE.rglob("*.py") if "recipes" not in path.parts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows(path: Path) -> None:
    assert violations(room(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("facts", "from torchward.rule import Rule"),
        ("rule", "import torch"),
        ("rules", "def check():\n    from torchward.engine import judge"),
        ("report", "import torchward.commands.run"),
        ("runtime", "from torchward import engine"),
        ("collect", "import torch.nn"),
        ("engine", "import torch"),
    ],
)
def test_the_check_above_would_notice(name: str, source: str) -> None:
    assert violations(name, source)


def loaded_after(code: str) -> set[str]:
    """Names of the modules that a fresh Python has loaded after `code`."""
    ask = f"{code}\nimport sys, json; sys.stdout.write('\\n' + json.dumps(sorted(sys.modules)))"
    # `-S`, with the path set by hand: .pth files of an environment load things of their own
    path = [str(PACKAGE.parent), *(entry for entry in sys.path if "site-packages" in entry)]
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path += {path!r}\n{ask}"],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return set(json.loads(done.stdout.rsplit("\n", 1)[1]))


HEAVY = {"torch", "rich", "argparse", "dataclasses", "torchward.engine", "torchward.rule", "torchward.facts"}


@pytest.mark.parametrize("words", [["--help"], ["--version"], [], ["run", "--help"], ["doctor", "--help"]])
def test_help_loads_nothing_that_it_does_not_print(words: list[str]) -> None:
    loaded = loaded_after(f"from torchward.cli import main; main({words!r})")
    assert "torchward.cli" in loaded
    assert not loaded & HEAVY


def test_importing_the_package_loads_nothing() -> None:
    assert not loaded_after("import torchward") & HEAVY


def test_the_guard_above_would_notice() -> None:
    assert loaded_after("from torchward.cli import main; main(['rules', '--format', 'json'])") & HEAVY


def test_watching_a_run_loads_no_rules_of_the_machine(tmp_path: Path) -> None:
    code = (
        "from torchward.commands._session import Session\n"
        f"from pathlib import Path\nassert 'OPT001' in Session(Path({str(tmp_path)!r})).rules"
    )
    loaded = loaded_after(code)
    assert any(name.startswith("torchward.rules.opt.") for name in loaded)
    assert not any(name.startswith("torchward.rules.env") for name in loaded)


def test_starting_a_run_loads_no_rules_before_the_first_row(tmp_path: Path) -> None:
    """The supervisor of a script that has not imported torch yet costs next to nothing."""
    code = (
        f"import os; os.chdir({str(tmp_path)!r})\n"
        "from torchward.commands import _child, run\n"
        "run._Supervisor.finish = lambda self, returncode, as_json: None\n"
        "assert run.main(['-c', 'pass']) == 0"
    )
    assert not loaded_after(code) & HEAVY
