"""The package as it is shipped, and that the texts around it stay true. No torch."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import torchward

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "torchward"

FRAGMENT_TYPES = {"new_rule", "false_positive", "false_negative", "feature", "bugfix", "breaking"}


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def pyproject() -> dict[str, object]:
    tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    return tomllib.loads(read("pyproject.toml"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT]
    subprocess.run(command, check=True)
    (path,) = folder.glob("torchward-*.whl")
    return zipfile.ZipFile(path)


def test_version_is_a_literal_that_the_package_agrees_with():
    (version,) = re.findall(r'^__version__ = "(\d+\.\d+\.\d+)"$', read("src/torchward/__init__.py"), re.MULTILINE)
    assert torchward.__version__ == version


def test_wheel_ships_every_file_of_the_package(wheel):
    shipped = {name for name in wheel.namelist() if name.startswith("torchward/")}
    written = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped == written


@pytest.mark.parametrize("name", ["py.typed", "report/findings.schema.json", "runtime/inject/sitecustomize.py"])
def test_wheel_ships(wheel, name):
    assert f"torchward/{name}" in wheel.namelist()


def test_wheel_names_version_licence_and_command(wheel):
    folder = f"torchward-{torchward.__version__}.dist-info"
    metadata = wheel.read(f"{folder}/METADATA").decode()
    assert f"Version: {torchward.__version__}\n" in metadata
    assert "License-Expression: Apache-2.0\n" in metadata
    assert "Apache License" in wheel.read(f"{folder}/licenses/LICENSE").decode()
    assert "torchward = torchward.cli:entry" in wheel.read(f"{folder}/entry_points.txt").decode()


def test_users_need_rich_alone():
    dependencies = pyproject()["project"]["dependencies"]
    assert [re.match(r"[\w-]+", line)[0] for line in dependencies] == ["rich", "tomli"]
    assert "python_version < '3.11'" in dependencies[1]


def test_every_development_dependency_is_pinned():
    lines = [line for line in read("constraints.txt").splitlines() if line and not line.startswith("#")]
    assert "torch==2.13.0" in lines
    assert all(re.match(r"[\w.-]+==[\w.+]+(; python_version (<|>=) \"3\.11\")?$", line) for line in lines)
    pinned = {re.match(r"[\w.-]+", line)[0] for line in lines}
    project = pyproject()["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["dev"], *extras["recipes"], *extras["rl"], "hatchling", "editables"]
    assert {re.match(r"[\w.-]+", line)[0] for line in needed} <= {*pinned, "torchward"}  # its own extra


def test_changelog_fragments_have_a_known_type():
    assert set(re.findall(r"^\| `(\w+)` \|", read("changelog.d/README.md"), re.MULTILINE)) == FRAGMENT_TYPES
    for path in (ROOT / "changelog.d").iterdir():
        if path.name != "README.md":
            assert re.fullmatch(rf"[\w-]+\.({'|'.join(FRAGMENT_TYPES)})\.md", path.name), path.name
            assert path.read_text(encoding="utf-8").strip(), path.name


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_readme_names_the_two_commands(readme):
    assert "make demo" in read(readme)
    assert "make test" in read(readme)


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_readme_names_existing_commands_and_options_only(readme):
    from torchward import cli

    text = read(readme)
    assert set(re.findall(r"^    torchward (\w+)", text, re.MULTILINE)) == set(cli.COMMANDS)
    told = "".join(
        subprocess.run(
            [sys.executable, "-m", "torchward", name, "--help"], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        for name in ("run", "doctor")
    )
    shell = {"--epochs", "--nproc-per-node", "--help"}
    assert set(re.findall(r"--[a-z][a-z-]+", text)) - shell <= set(re.findall(r"--[a-z][a-z-]+", told))


@pytest.mark.parametrize(
    "path", ["README.md", "README.zh.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md"]
)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", read(path)):
        assert "://" in target or (ROOT / path).parent.joinpath(target).exists(), target


def test_map_of_the_architecture_shows_the_rooms_that_exist():
    _, _, after = read("docs/architecture.md").partition("\n    src/torchward/\n")
    shown = re.findall(r"^      (\S+) ", after.partition("\n\n")[0], re.MULTILINE)
    exist = {
        f"{path.name}/" if path.is_dir() else path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"
    }
    assert set(shown) == exist
    assert len(shown) == len(set(shown))


def test_collecting_the_fast_tests_does_not_load_torch():
    program = (
        "import pytest, sys; "
        "status = pytest.main(['--collect-only', '-qq', '-m', 'not torch', '-p', 'no:cacheprovider']); "
        "sys.exit('torch was imported' if 'torch' in sys.modules else status)"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr or result.stdout
