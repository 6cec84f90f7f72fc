"""`torchward new`: a folder of one's own from a recipe: the program, what it needs, and how to use it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from torchward import config
from torchward.commands import _recipes
from torchward.usage import LANG, Exit, UsageError, parse

_USAGE = "torchward new [options] recipe folder"

_README = {
    "en": """# {title}

{what}.

    pip install -r requirements.txt
    python {program}

* Data: {data}.
* Takes about {time} on 2 CPU cores; a sound run ends with {expect}.
* `python {program} --help` lists the options. Checkpoint, curves and metrics are in `runs/`: a run that was interrupted
  goes on where it was when the same command is given again.
* Curves: `tensorboard --logdir runs`.
""",
    "zh": """# {title}

{what}。

    pip install -r requirements.txt
    python {program}

* 数据：{data}。
* 在 2 个 CPU 核心上约需 {time}；正常结果：{expect}。
* `python {program} --help` 列出全部选项。检查点、曲线与指标保存在 `runs/`；训练中断后，重新执行同一条命令即可接着训练。
* 曲线：`tensorboard --logdir runs`。
""",
}


def main(argv: Sequence[str]) -> int:
    """Write the folder. It must not exist yet, or be empty."""
    arguments = parse(argv, (LANG,), _USAGE, "Start a project from a recipe: the program, requirements.txt, README.md.")
    if not arguments.rest:
        raise UsageError("no recipe named", f"there are: {', '.join(_recipes.names())}")
    name, *others = arguments.rest
    name = name.removeprefix("@")
    source = _recipes.path(name)
    if len(others) != 1:
        raise UsageError("one folder is needed" if not others else f"unexpected `{others[1]}`", f"usage: {_USAGE}")
    language = config.language(arguments.given("--lang"), config.load())
    header = _recipes.header(name)
    folder = Path(others[0])
    expect = {"en": "{} between {:g} and {:g}", "zh": "{} 在 {:g} 与 {:g} 之间"}[language]
    readme = _README[language].format(
        title=folder.absolute().name,
        what=header.text("what", language),
        data=header.text("data", language),
        time=header.text("time", language),
        expect=", ".join(expect.format(metric, *band) for metric, band in header.expect.items()),
        program=source.name,
    )
    requirements = [*header.words("needs"), *(f"{package}  # optional" for package in header.words("optional"))]
    files = {
        source.name: source.read_text(encoding="utf-8"),
        "requirements.txt": "\n".join(requirements) + "\n",
        "README.md": readme,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"`{others[0]}` is not empty, and nothing in it is overwritten", "name another folder")
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write `{error.filename or folder}`: {error.strerror}") from None
    for file in files:
        print(folder / file)
    print(f"\ncd {others[0]} && python {source.name}", file=sys.stderr)
    return Exit.CLEAN
