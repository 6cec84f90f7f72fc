"""Machines of others: torchward's own JSON, what `torch.utils.collect_env` prints, what `nvidia-smi` prints.

Such a file may come from anybody, cut short and pasted through a forum: it is text, and never more than text.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torchward.facts import Driver, Gpu, Live, Machine, Package, Process, Python, Setting, System, TorchBuild

MOST = 4_000_000
"""Characters of a file that are looked at."""


def read(text: str) -> Machine:
    """The machine that a text tells of. Raises ValueError, with a reason for the user, for any other text."""
    text = text[:MOST].replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    if text.lstrip()[:1] == "{":
        return _from_json(text)
    text = text.replace("\uff1a", ":")  # what an input method makes of a colon
    smi = parse_smi_log(text) if _LOG in text else parse_smi(text)
    if _REPORT.search(text):
        machine = parse_collect_env(text)
        return _with_smi(machine, smi) if smi.gpus else machine
    if smi.driver is not None:
        return smi
    raise ValueError(
        "it is neither torchward's JSON nor the output of `python -m torch.utils.collect_env` or of `nvidia-smi`"
    )


_REPORT = re.compile(r"PyTorch version\s*:|^[ \t>]*PyTorch version[ \t]+(?=\d+\.\d)", re.MULTILINE)
"""Where a report of collect_env begins: its own layout, and those of projects that align the colons (or lost one)."""
_LOG = "NVSMI LOG"


def _with_smi(machine: Machine, smi: Machine) -> Machine:
    """A report that holds both: the table of `nvidia-smi` says more of the driver."""
    driver = smi.driver
    if machine.driver is not None and machine.driver.version:
        driver = replace(smi.driver or Driver(), version=machine.driver.version)
    return replace(machine, driver=driver, gpus=machine.gpus or smi.gpus)


# --- JSON ----------------------------------------------------------------------------------------------------------


def _from_json(text: str) -> Machine:
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not valid JSON ({error})") from None
    data = loaded.get("machine")
    if not isinstance(data, dict):
        raise ValueError("its JSON has no `machine`: it is not from `torchward doctor --format json`")
    if not isinstance(loaded.get("version", 1), int) or loaded.get("version", 1) > 1:
        raise ValueError("it was written by a newer torchward")
    machine: Machine = _decode(Machine, data, "machine")
    return machine if machine.source != "here" else replace(machine, source="json")


def _decode(hint: Any, value: Any, path: str) -> Any:
    """A value of a fact from its JSON; fields that nobody knows are left out, so that newer files can be read."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return _decode(next(one for one in arguments if one is not type(None)), value, path)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise ValueError(f"`{path}` must be an object")
        hints = typing.get_type_hints(hint)
        given = {
            field.name: _decode(hints[field.name], value[field.name], f"{path}.{field.name}")
            for field in dataclasses.fields(hint)
            if field.name in value
        }
        try:
            return hint(**given)
        except TypeError:
            raise ValueError(f"`{path}` lacks a field") from None
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"`{path}` must be a list")
        return tuple(_decode(arguments[0], item, f"{path}[{index}]") for index, item in enumerate(value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise ValueError(f"`{path}` must be an object")
        return {str(key): _decode(arguments[1], item, f"{path}.{key}") for key, item in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and (not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool)):
        raise ValueError(f"`{path}` must be {hint.__name__}")
    return value


# --- nvidia-smi ----------------------------------------------------------------------------------------------------

_HEAD = re.compile(
    r"NVIDIA-SMI\s+([\d.]+).*?(?:Driver|KMD) Version:\s*([\d.]+|N/A)(?:.*?CUDA (?:UMD )?Version:\s*([\d.]+|N/A|ERR!))?"
)
_CARD = re.compile(
    r"^\|\s+(\d+)\s+(\S.*?)\s+(?:On|Off|N/A|ERR!|Disabled|Enabled|WDDM|TCC|MCDM)?\s*\|\s*[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[^|]*\|\s*([^|]*?)\s*\|"
)
_USE = re.compile(r"\|\s*(\d+)Mi?B\s*/\s*(\d+)Mi?B\s*\|\s*(\d+|N/A)%?\s+([A-Za-z/. ]+?)\s*\|")
_PROCESS = re.compile(r"^\|\s+(\d+)\s+(?:(?:N/A|\d+)\s+(?:N/A|\d+)\s+)?(\d+)\s+([CGM+]+)\s+(.*?)\s+(\d+MiB|N/A)\s*\|")
_MIG_ROW = re.compile(r"^\|\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+\|")
_MODES = {
    "Default": "Default",
    "E. Process": "Exclusive_Process",
    "E. Thread": "Exclusive_Process",
    "Prohibited": "Prohibited",
}


_BLIND = {"everything else": "`nvidia-smi` does not say"}


def smi_problem(text: str) -> str:
    """What a failing `nvidia-smi` complains of, by the words of its message; see `Driver.problem`."""
    for words, problem in (
        ("Driver/library version mismatch", "mismatch"),
        ("couldn't communicate with the NVIDIA driver", "unreachable"),
        ("No devices were found", "no-devices"),
        ("Insufficient Permissions", "denied"),
        ("GPU access blocked by the operating system", "denied"),
        ("Unable to determine the device handle", "lost"),
        ("GPU is lost", "lost"),
        ("couldn't find libnvidia-ml", "absent"),
        ("Failed to initialize NVML: Unknown Error", "cut-off"),
        ("Failed to initialize NVML", "failed"),
    ):
        if words in text:
            return problem
    return ""


def parse_smi(text: str) -> Machine:
    """A machine with the driver and GPUs that a table of `nvidia-smi` shows; both None when there is no table."""
    head = _HEAD.search(text)
    problem = smi_problem(text)
    if head is None:
        said = next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]
        library = re.search(r"NVML library version:\s*([\d.]+)", text)
        driver = Driver(problem=problem, said=said, library=library[1] if library else "") if problem else None
        return Machine(source="nvidia-smi", driver=driver, blind=_BLIND)
    gpus: dict[int, Gpu] = {}
    migs: dict[int, int] = {}
    processes: dict[int, list[Process]] = {}
    current: int | None = None
    section = "cards"
    for line in text.splitlines():
        if "MIG devices:" in line:
            section = "mig"
        elif "Processes:" in line:
            section = "processes"
        card = _CARD.match(line) if section == "cards" else None
        if card:
            current = int(card[1])
            gpus[current] = Gpu(
                name=card[2].strip(),
                index=current,
                ecc_errors=int(card[3]) if card[3].isdigit() else None,
                lost="ERR!" in line,
            )
            continue
        if section == "cards" and current is not None:
            use = _USE.search(line)
            if use:
                gpus[current] = replace(
                    gpus[current],
                    used=int(use[1]) << 20,
                    memory=int(use[2]) << 20,
                    utilization=int(use[3]) / 100 if use[3].isdigit() else None,
                    compute_mode=_MODES.get(use[4].strip(), ""),
                )
            elif re.match(r"\|\s+\|[^|]*\|\s*(Enabled|Disabled)\*?\s*\|", line):
                gpus[current] = replace(gpus[current], mig="Enabled" in line)
        elif section == "mig" and _MIG_ROW.match(line):
            row = _MIG_ROW.match(line)
            assert row
            migs[int(row[1])] = migs.get(int(row[1]), 0) + 1
        elif section == "processes":
            process = _PROCESS.match(line)
            if process:
                used = process[5]
                processes.setdefault(int(process[1]), []).append(
                    Process(
                        int(process[2]),
                        re.split(r"[\\/]", process[4].split(" ")[0])[-1],
                        int(used[:-3]) << 20 if used != "N/A" else None,
                    )
                )
    cards = tuple(
        replace(gpu, processes=tuple(processes.get(index, ())), mig_devices=migs.get(index, 0) if gpu.mig else None)
        for index, gpu in gpus.items()
    )
    cuda = head[3] or ""
    version = head[2] if head[2] != "N/A" else ""  # a Jetson has no such number
    # Below Windows the library answers for Linux, so its number differs from the driver's: `NVIDIA-SMI 535.103`.
    wsl = bool(version) and head[1] != version and "." in head[1]
    return Machine(
        source="nvidia-smi",
        driver=Driver(version=version, cuda=cuda if cuda[:1].isdigit() else "", problem=problem),
        gpus=cards,
        setting=Setting(wsl=2 if wsl else 0),
        blind=_BLIND,
    )


def parse_smi_log(text: str) -> Machine:
    """A machine by the long form, `nvidia-smi -q`."""

    def value(block: str, name: str) -> str:
        match = re.search(rf"^[ \t]*{name}[ \t]*: *(.*)$", block, re.MULTILINE)
        found = match[1].strip() if match else ""
        return "" if found in ("N/A", "None", "Not Found") or found.startswith("[") else found

    head, *blocks = re.split(
        r"^[ \t]*GPU (?=[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:)", text[text.index(_LOG) :], flags=re.MULTILINE
    )
    gpus = []
    for index, block in enumerate(blocks):
        memory = re.search(r"^[ \t]*(?:FB )?Memory Usage[ \t]*\n((?:.*: .*MiB[ \t]*\n?)+)", block, re.MULTILINE)
        total, used = (re.match(r"\d+", value(memory[1] if memory else "", name)) for name in ("Total", "Used"))
        mig = re.search(r"^[ \t]*MIG Mode[ \t]*\n[ \t]*Current[ \t]*: (Enabled|Disabled)", block, re.MULTILINE)
        gpus.append(
            Gpu(
                name=value(block, "Product Name"),
                index=index,
                memory=int(total[0]) << 20 if total else None,
                used=int(used[0]) << 20 if used else None,
                compute_mode=value(block, "Compute Mode"),
                mig=mig[1] == "Enabled" if mig else None,
                mig_devices=len(re.findall(r"^[ \t]*MIG Device:?[ \t]*$", block, re.MULTILINE)) if mig else None,
            )
        )
    version, cuda = value(head, "Driver Version"), value(head, r"CUDA (?:UMD )?Version")
    return Machine(
        source="nvidia-smi",
        driver=Driver(version=version, cuda=cuda, problem=smi_problem(text)),
        gpus=tuple(gpus),
        blind=_BLIND,
    )


# --- torch.utils.collect_env ---------------------------------------------------------------------------------------

_NOTHING = {"", "N/A", "None", "Could not collect", "No CUDA", "none", "Could not load", "Not Found"}


def parse_collect_env(text: str) -> Machine:
    """The machine that `python -m torch.utils.collect_env` described, whole or cut short."""
    fields, packages = _rows(_unfolded(text))

    def value(key: str) -> str:
        found = fields.get(key, "").split("\n")[0].strip()
        return "" if found in _NOTHING else found

    title = value("OS")
    platform = value("Python platform")
    system = _system(title, platform, text)
    python = re.match(r"(\d+\.\d+(?:\.\d+)?)", value("Python version"))
    libc = re.search(r"glibc-(\d+\.\d+)", value("Libc version"))
    # Before Python 3.8 this was the least version that the interpreter needs, not the one that is there.
    trusted = bool(python and tuple(map(int, python[1].split(".")[:2])) >= (3, 8))
    packages_found = tuple(packages)
    torch = _torch(fields, packages_found)
    told = re.search(r"PyTorch install supports CUDA capabilities ((?:(?:sm|compute)_\d+[af]?\s*)+)", text)
    if torch is not None and told:
        torch = replace(torch, archs=tuple(told[1].split()))
    gpus, driver = _gpus(fields)
    if torch is not None and torch.hip:
        # A build for ROCm names the cards that it sees itself, some of them by nothing but a number.
        gpus = tuple(replace(gpu, vendor="amd") for gpu in gpus or ()) or None
    available = value("Is CUDA available").lower()
    nvcc = re.match(r"(\d+\.\d+)", value("CUDA runtime version"))
    gcc = re.search(r"(\d+\.\d+(?:\.\d+)?)\s*(?:\d{8}.*)?$", value("GCC version"))
    bits = re.search(r"\((\d\d)-bit runtime\)", fields.get("Python version", ""))
    live = None
    if torch is not None and available in ("true", "yes", "false", "no"):
        warned = re.search(r"CUDA initialization:\s*(.+?)(?:\(Triggered|\n|$)", text)
        said = warned[1].strip() if warned else ""
        found = re.search(r"driver on your system is too old \(found version (\d+)\)", said)
        if driver is None and found:
            driver = Driver(cuda=f"{int(found[1]) // 1000}.{int(found[1]) % 1000 // 10}")
        live = Live(imported=True, version=torch.version, cuda_available=available in ("true", "yes"), cuda_said=said)
        if live.cuda_available is False and gpus is None and "GPU models and configuration" in fields:
            gpus = ()  # `nvidia-smi` was asked, and showed none
    return Machine(
        source="collect_env",
        system=replace(system, glibc=libc[1] if libc and trusted else ""),
        setting=Setting(
            wsl=2 if "microsoft" in platform.lower() else 0,
            jetson="?" if "tegra" in platform else "",
        ),
        python=Python(
            version=python[1] if python else "",
            bits=int(bits[1]) if bits else None,
            environment="conda" if any(package.source == "conda" for package in packages_found) else "",
        ),
        packages=packages_found or None,
        torch=torch,
        gpus=gpus,
        driver=driver,
        nvcc_version=nvcc[1] if nvcc else "",
        gcc=gcc[1] if gcc and "mingw" not in value("GCC version").lower() else "",
        live=live,
        blind={"everything else": "`torch.utils.collect_env` does not say"},
    )


_KEYS = (
    "PyTorch version", "Is debug build", "CUDA used to build PyTorch", "ROCM used to build PyTorch", "OS",
    "GCC version",
    "Clang version", "CMake version", "Libc version", "Python version", "Python platform", "Is CUDA available",
    "CUDA runtime version", "CUDA_MODULE_LOADING set to", "GPU models and configuration", "Nvidia driver version",
    "cuDNN version", "Is XPU available", "XPU used to build PyTorch", "Intel GPU driver version",
    "Intel GPU models onboard", "Intel GPU models detected",
    "HIP runtime version", "MIOpen runtime version", "Is XNNPACK available", "CPU",
    "Versions of relevant libraries",
)  # fmt: skip


def _unfolded(text: str) -> str:
    """The report line by line, whatever the mail, issue or log did to it: quoted, indented, or all on one line."""
    if "\\nIs debug build" in text:
        text = text.replace("\\n", "\n")
    begin = _REPORT.search(text)
    assert begin
    aligned = re.search(r"^[ \t>]*OS[ \t]+: ", text[: begin.start()], re.MULTILINE)
    text = text[(aligned or begin).start() :]
    if aligned:
        text = re.sub(r"^([ \t>]*[A-Z][\w()/ -]*?)[ \t]+:(?=[ \t]|$)", r"\1:", text, flags=re.MULTILINE)
    text = re.sub(r"^([ \t>]*PyTorch version)[ \t]+(?=\d)", r"\1: ", text, flags=re.MULTILINE)
    if re.match(r"PyTorch version:[^\n]*\bIs debug build:", text):
        text = re.sub(rf" (?=(?:{'|'.join(map(re.escape, _KEYS))}):|GPU \d+: |\[(?:pip3?|conda)\] )", "\n", text)
    return re.sub(r"^[ \t]*(?:>[ \t]?)+", "", text, flags=re.MULTILINE)


def _rows(text: str) -> tuple[dict[str, str], list[Package]]:
    """Fields by name, with the lines that follow them; and the packages, each once."""
    fields: dict[str, str] = {}
    packages: dict[tuple[str, str], Package] = {}
    key = ""
    for raw in text.splitlines():
        line = raw.rstrip()
        package = re.match(r"\s*\[(pip3?|conda)\]\s+(.+)$", line)
        if package:
            key = ""
            found = _package(package[1], package[2])
            if found:
                packages.setdefault((found.name, found.source), found)
            continue
        match = re.match(r"\s*([A-Z][\w()/ -]{1,60}?):(?:\s+(.*))?$", line)
        # Lines of a block (the processor's) are indented; a report that is indented as a whole has known keys.
        own = bool(match) and (not line.startswith((" ", "\t")) or match[1] in _KEYS)  # type: ignore[index]
        if match and own and not re.match(r"GPU \d+$", match[1]):
            key = match[1]
            fields.setdefault(key, (match[2] or "").strip())
        elif key and line.strip():
            fields[key] += "\n" + line.strip()
        elif not line.strip():
            key = ""
    return fields, list(packages.values())


def _package(kind: str, text: str) -> Package | None:
    if kind.startswith("pip"):
        match = re.match(r"([\w.-]+)(?:==| \()([^\s()]+)", text)
        return Package(re.sub(r"[-_.]+", "-", match[1]).lower(), match[2]) if match else None
    words = text.split()
    # Rows of conda that stand for packages of pip repeat those.
    if len(words) < 3 or words[2] in ("pypi_0", "dev_0") or words[2].startswith("<") or words[-1] == "pypi":
        return None
    return Package(words[0], words[1], source="conda", build=words[2])


_DISTRIBUTIONS = {"red hat": "rhel", "amazon": "amzn"}


def _system(title: str, platform: str, text: str) -> System:
    low = f"{title} {platform}".lower()
    name = ""
    if "windows" in low:
        name = "Windows"
    elif "macos" in low or "mac osx" in low or "darwin" in low:
        name = "Darwin"
    elif title or platform.startswith("Linux"):
        name = "Linux"
    match = re.search(r"\((x86_64|aarch64|arm64|ppc64le|AMD64)\)", title) or re.search(
        r"(x86_64|aarch64|arm64|ppc64le|AMD64)", platform
    )
    arch = match[1].lower().replace("amd64", "x86_64") if match else ""
    if name == "Windows" and not arch and "64-bit" in text:
        arch = "x86_64"
    distribution = re.match(r"(ubuntu|debian|centos|fedora|rocky|almalinux|arch|red hat|amazon)", title.lower())
    version = re.search(r"\b(\d+(?:\.\d+)*)\b", title)
    cpu = re.search(r"^\s*(?:Model name:|Name=|Name:)\s*(.+)$", text, re.MULTILINE)
    cores = re.search(r"^CPU\(s\):\s*(\d+)$", text, re.MULTILINE)
    return System(
        name=name,
        release=re.sub(r"^Linux-|-(?:x86_64|aarch64)-with.*$", "", platform) if name == "Linux" else "",
        arch=arch,
        distribution={"red hat": "rhel", "amazon": "amzn"}.get(distribution[1], distribution[1])
        if distribution
        else "",
        version=version[1] if version else "",
        title=title,
        cpu=cpu[1].strip() if cpu else "",
        cores=int(cores[1]) if cores else None,
    )


def _torch(fields: Mapping[str, str], packages: tuple[Package, ...]) -> TorchBuild | None:
    version = fields.get("PyTorch version", "").split()
    if not version or version[0] in _NOTHING:
        return None
    cuda = fields.get("CUDA used to build PyTorch", "").split("\n")[0].strip()
    hip = fields.get("ROCM used to build PyTorch", "").split("\n")[0].strip()
    # Scripts fetched from torch's main branch print the version of torch only; a wheel's tag stands with the package.
    tag = next(
        (p.version for p in packages if p.name == "torch" and p.version.startswith(version[0] + "+")), version[0]
    )
    return TorchBuild(
        version=tag,
        cuda="" if cuda in _NOTHING else cuda,
        hip="" if hip in _NOTHING else hip,
        xpu=_xpu(fields, tag),
        known=bool(cuda),  # "Could not collect" stands for a build without CUDA too
    )


def _xpu(fields: Mapping[str, str], version: str) -> str:
    told = fields.get("XPU used to build PyTorch", "").split("\n")[0].strip()
    return told if told not in _NOTHING else "?" if version.endswith("+xpu") else ""


def _gpus(fields: Mapping[str, str]) -> tuple[tuple[Gpu, ...] | None, Driver | None]:
    text = fields.get("GPU models and configuration", "")
    found: list[Gpu] = []
    for line in text.splitlines():
        match = re.match(r"GPU (\d+):\s*(.+)$", line.strip())
        if match:
            name = re.sub(r"\s*\(UUID:.*\)\s*$", "", match[2]).strip()
            found.append(Gpu(name=name, index=int(match[1]), vendor=_vendor(name)))
        elif line.strip().startswith("MIG ") and found:
            last = found[-1]
            found[-1] = replace(last, mig=True, mig_devices=(last.mig_devices or 0) + 1)
        elif line.strip() and line.strip() not in _NOTHING and not found:
            found.append(Gpu(name=line.strip(), index=0, vendor=_vendor(line)))
    for line in fields.get("Intel GPU models onboard", "").splitlines():
        if line.startswith("* "):
            found.append(Gpu(name=line[2:].strip(), vendor="intel"))
    version = re.match(r"(\d+\.\d+(?:\.\d+)*)", fields.get("Nvidia driver version", "").strip())
    return tuple(found) or None, Driver(version=version[1]) if version else None


def _vendor(name: str) -> str:
    if re.search(r"Radeon|Instinct|AMD|gfx\d|\bMI\d{2,3}", name):
        return "amd"
    return "intel" if re.search(r"Intel|\bArc\b", name) else "nvidia"
