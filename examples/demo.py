"""What `make demo` runs: a training script with three silent bugs under torchward, then its mended twin.

Fails unless torchward names problems in the first, nothing above a hint in the second, and the second reaches 97 %.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ACCURACY = 97.0


def watch(script: str, folder: Path) -> tuple[list[dict[str, Any]], str]:
    """Run `script` under torchward, showing what it prints; its findings above a hint, and its output."""
    torchward = Path(sys.executable).with_name("torchward")
    print(f"$ torchward run examples/{script}\n", flush=True)
    child = subprocess.Popen(
        [torchward, "run", "--run-dir", folder, HERE / script],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},  # its lines appear as they are printed, although we read them too
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = []
    for line in child.stdout or ():
        print(line, end="", flush=True)
        lines.append(line)
    if child.wait() != 0:
        sys.exit(f"demo: {script} exited with {child.returncode}")
    findings = json.loads((folder / "findings.json").read_text(encoding="utf-8"))["findings"]
    return [finding for finding in findings if finding["severity"] != "hint"], "".join(lines)


def codes(findings: list[dict[str, Any]]) -> str:
    return ", ".join(finding["code"] for finding in findings) or "none"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        broken, _ = watch("digits_broken.py", Path(folder, "broken"))
        print(f"\n{'-' * 78}\nThe same program, mended:\n")
        mended, output = watch("digits.py", Path(folder, "mended"))

    accuracy = float(re.findall(r"test accuracy (\d+\.\d)%", output)[-1])
    print(f"\nbroken: {codes(broken)}\nmended: {codes(mended)}, test accuracy {accuracy}%")
    if not broken:
        sys.exit("demo: no finding on the broken program")
    if mended:
        sys.exit("demo: findings on the mended program")
    if accuracy <= ACCURACY:
        sys.exit(f"demo: the mended program should reach more than {ACCURACY}%")


if __name__ == "__main__":
    main()
