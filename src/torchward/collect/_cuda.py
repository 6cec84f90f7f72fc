"""GPUs, drivers, toolkits, libraries and containers: everything between the card and the framework."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from torchward.collect._look import Answer, Look
from torchward.collect.others import parse_smi, smi_problem
from torchward.facts import Docker, Driver, Gpu, Library, Package, Process, Toolkit

SMI_LIMIT = 8.0
"""Seconds: without persistence mode the driver starts each card anew, about half a second each."""
_FIELDS = (
    "index", "name", "driver_version", "memory.total", "memory.used", "utilization.gpu", "compute_mode",
    "mig.mode.current", "ecc.errors.uncorrected.volatile.total", "compute_cap",
)  # fmt: skip
"""The last one is not known to drivers before 470."""
_LIBRARY_FOLDERS = (
    "/usr/lib/wsl/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu/nvidia",
    "/usr/lib/aarch64-linux-gnu/tegra", "/usr/lib64", "/usr/lib64/nvidia", "/usr/lib/nvidia", "/usr/lib",
    "/usr/local/nvidia/lib64", "/usr/local/nvidia/lib",
)  # fmt: skip


# --- the driver and its GPUs ---------------------------------------------------------------------------------------


def smi(look: Look) -> str:
    """Path of `nvidia-smi`; in WSL and in some containers it is not on PATH."""
    found = look.which("nvidia-smi")
    return found or next(
        (path for path in ("/usr/lib/wsl/lib/nvidia-smi", "/usr/bin/nvidia-smi") if look.exists(path)), ""
    )


def ask_driver(look: Look) -> tuple[Answer, Answer]:
    """What `nvidia-smi` says, as a table and as values; or what the driver's library says, as values alone.

    The library is asked where `nvidia-ml-py` knows how to. A hanging program is not asked twice.
    """
    path = smi(look)
    if not path or _has_nvml(look):
        rows = _ask_library(look)
        if not path or re.search(r"^\d+, ", rows.out, re.MULTILINE):
            return Answer(missing=True), rows
        if rows.hung:
            return Answer(hung=True), rows
    text = look.run(path, limit=SMI_LIMIT)
    if not text.ok:
        return text, Answer(missing=True)
    for fields in (_FIELDS, _FIELDS[:-1]):
        rows = look.run(path, f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", limit=SMI_LIMIT)
        if rows.ok or rows.hung:
            break
    return text, rows


def _has_nvml(look: Look) -> bool:
    """Whether the environment has the package `nvidia-ml-py`, whose module is `pynvml`."""
    return any(look.exists(os.path.join(entry, "pynvml.py")) for entry in look.path)


def _ask_library(look: Look) -> Answer:
    """The driver's library, where there is one; asked by a process of its own."""
    if _libcuda(look) == () or not look.executable:
        return Answer(missing=True)
    return look.run(look.executable, "-I", str(Path(__file__).with_name("_devices.py")), limit=SMI_LIMIT)


def driver_and_gpus(look: Look, answers: tuple[Answer, Answer], bus: str, found: Sequence[Package]) -> tuple[
    Driver, tuple[Gpu, ...] | None
]:  # fmt: skip
    """The driver, and all GPUs that it or the bus shows; None for these when nobody could be asked."""
    text, rows = answers
    seen = parse_smi(text.out)
    gpus = list(_queried(rows.out)) if rows.ok else []
    if gpus and seen.gpus:
        by_index = {gpu.index: gpu for gpu in seen.gpus}
        gpus = [
            replace(gpu, processes=by_index[gpu.index].processes, mig_devices=by_index[gpu.index].mig_devices)
            if gpu.index in by_index
            else gpu
            for gpu in gpus
        ]
    gpus = _completed(gpus, rows.out) if gpus else list(seen.gpus or ())
    module = _module_version(look)
    libcuda = _libcuda(look)
    problem, said = _problem(text, module, bool(gpus))
    nodes = tuple(_nodes(look))
    linux = _linux(look)
    driver = Driver(
        version=(seen.driver.version if seen.driver else "") or _told_version(rows.out) or module,
        module=module,
        library=_library_version(look, libcuda, text.out),
        cuda=seen.driver.cuda if seen.driver else _told_cuda(rows.out),
        problem=problem,
        said=said,
        loaded=any(map(look.exists, ("/proc/driver/nvidia/version", "/sys/module/nvidia"))) if linux else None,
        nouveau=look.exists("/sys/module/nouveau") if linux else None,
        packages=_driver_packages(found),
        libcuda=libcuda,
        nodes=nodes,
        denied=tuple(node for node in nodes if not os.access(look.at(node), os.R_OK | os.W_OK)),
    )
    on_bus = _bus(bus) if bus else None
    if on_bus is not None:
        if not gpus:
            gpus += [gpu for gpu in on_bus if gpu.vendor == "nvidia"]
        gpus += [gpu for gpu in on_bus if gpu.vendor != "nvidia"]
    gpus += _proc_gpus(look) if not any(gpu.vendor == "nvidia" for gpu in gpus) else []
    if not gpus and on_bus is None and text.missing:
        return driver, None
    return driver, tuple(gpus)


def _completed(gpus: list[Gpu], text: str) -> list[Gpu]:
    """The GPUs with the rows that only the library gives: processes, MIG instances, cards that do not answer."""
    processes: dict[int, list[Process]] = {}
    instances: dict[int, int] = {}
    lost = []
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        kind, numbers = row[0] if row else "", [int(value) for value in row[1:3] if value.isdigit()]
        if kind == "process" and len(row) == 5 and len(numbers) == 2:
            used = _number(row[4])
            processes.setdefault(numbers[0], []).append(
                Process(numbers[1], row[3], None if used is None else int(used) << 20)
            )
        elif kind == "mig" and len(numbers) == 2:
            instances[numbers[0]] = numbers[1]
        elif kind == "lost" and numbers:
            lost.append(Gpu(name="NVIDIA GPU", index=numbers[0], lost=True))
    found = [
        replace(
            gpu,
            processes=tuple(processes.get(gpu.index or 0, gpu.processes)),
            mig_devices=instances.get(gpu.index or 0, gpu.mig_devices),
        )
        for gpu in gpus
    ]
    return sorted(found + lost, key=lambda gpu: gpu.index or 0)


def _told_version(text: str) -> str:
    match = re.search(r"^\d+, [^,\n]+, (\d+(?:\.\d+)+),", text, re.MULTILINE)
    return match[1] if match else ""


def _told_cuda(text: str) -> str:
    match = re.search(r"^CUDA Version: ([\d.]+)$", text, re.MULTILINE)
    return match[1] if match else ""


def _linux(look: Look) -> bool:
    return look.exists("/proc/version")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _queried(text: str) -> Iterable[Gpu]:
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        if len(row) < len(_FIELDS) - 1 or not row[0].isdigit():
            continue
        index, name, _, total, used, busy, mode, mig, ecc, *more = row
        total_mb, used_mb, share, errors = _number(total), _number(used), _number(busy), _number(ecc)
        yield Gpu(
            name=name,
            index=int(index),
            capability=more[0] if more and re.fullmatch(r"\d+\.\d", more[0]) else "",
            memory=None if total_mb is None else int(total_mb) << 20,
            used=None if used_mb is None else int(used_mb) << 20,
            utilization=None if share is None else share / 100,
            compute_mode=mode if mode[:1].isalpha() and mode != "N/A" else "",
            mig={"Enabled": True, "Disabled": False}.get(mig),
            ecc_errors=None if errors is None else int(errors),
        )


def _problem(answer: Answer, module: str, gpus: bool) -> tuple[str, str]:
    """Why `nvidia-smi` does not show GPUs, and its first line."""
    first = next((line.strip() for line in answer.out.splitlines() if line.strip()), "")[:200]
    if answer.missing:
        return ("", "") if module or gpus else ("absent", "")
    if answer.hung:
        return "hangs", ""
    return smi_problem(answer.out) or ("" if answer.ok else "failed"), "" if answer.ok else first


def _module_version(look: Look) -> str:
    """Of the kernel module that is loaded."""
    text = (look.read("/proc/driver/nvidia/version") or "") + (look.read("/sys/module/nvidia/version") or "")
    match = re.search(r"Kernel Module(?: for \w+)?\s+(\d+(?:\.\d+)+)", text) or re.search(r"^(\d+(?:\.\d+)+)", text)
    return match[1] if match else ""


def _loader_folders(look: Look) -> list[str]:
    own = [folder for folder in look.env.get("LD_LIBRARY_PATH", "").split(":") if folder]
    return list(dict.fromkeys([*own, *_LIBRARY_FOLDERS]))


def _libcuda(look: Look) -> tuple[str, ...] | None:
    if not _linux(look):
        return None
    return tuple(
        os.path.join(folder, "libcuda.so.1")
        for folder in _loader_folders(look)
        if "libcuda.so.1" in (look.names(folder) or ())
    )


def _library_version(look: Look, libcuda: Sequence[str] | None, said: str) -> str:
    """Of the user-space library: the mismatch message says it in newer drivers, else the name of the file does."""
    match = re.search(r"NVML library version:\s*(\d+(?:\.\d+)*)", said)
    if match:
        return match[1]
    for path in libcuda or ():
        if "/compat" in path or "/stubs" in path:
            continue
        for name in look.names(os.path.dirname(path)) or ():
            match = re.fullmatch(r"libcuda\.so\.(\d{3}\.\d+(?:\.\d+)*)", name)
            if match:
                return match[1]
    return ""


def _driver_packages(found: Sequence[Package]) -> tuple[str, ...] | None:
    pattern = (
        r"nvidia-(?:driver|dkms|kernel|headless|open)|libnvidia-compute|cuda-drivers|kmod-nvidia|akmod-nvidia|"
        r"nvidia(?:-lts|-open)?$"
    )
    return tuple(
        f"{package.name} {package.version}"
        for package in found
        if package.source in ("apt", "rpm", "pacman") and re.match(pattern, package.name)
    )


def _nodes(look: Look) -> Iterable[str]:
    for name in look.names("/dev") or ():
        if re.fullmatch(r"nvidia\d+|nvidiactl|nvidia-uvm|dxg|kfd", name):
            yield f"/dev/{name}"
    for name in look.names("/dev/dri") or ():
        if name.startswith("renderD"):
            yield f"/dev/dri/{name}"


def ask_bus(look: Look) -> str:
    """Display controllers on the PCI bus, as lines of `lspci -nn`; made up from /sys where there is no `lspci`.

    Cards that stand for no GPU (a server's management controller) come with it; `_bus` drops them.
    """
    answer = look.run("lspci", "-nn")
    if answer.ok:
        return "\n".join(line for line in answer.out.splitlines() if re.search(r"\[03\d\d\]|\[0b40\]", line)) or "none"
    lines = []
    names = look.names("/sys/bus/pci/devices")
    if names is None:
        return ""
    for name in names:
        kind = (look.read(f"/sys/bus/pci/devices/{name}/class") or "").strip()
        if kind.startswith(("0x03", "0x0b40", "0x12")):
            vendor = (look.read(f"/sys/bus/pci/devices/{name}/vendor") or "").strip()[2:]
            device = (look.read(f"/sys/bus/pci/devices/{name}/device") or "").strip()[2:]
            lines.append(f"{name} Display controller [{kind[2:6]}]: [{vendor}:{device}]")
    return "\n".join(lines) or "none"


_VENDORS = {"10de": "nvidia", "1002": "amd", "8086": "intel"}


def _bus(text: str) -> tuple[Gpu, ...]:
    found = []
    for line in text.splitlines():
        match = re.search(r"\[([0-9a-f]{4}):([0-9a-f]{4})\]", line)
        vendor = _VENDORS.get(match[1]) if match else None
        if match and vendor:
            label = line.split("]: ", 1)[-1].split(f"[{match[1]}:")[0].strip()
            inner = re.findall(r"\[([^\]]+)\]", label)
            found.append(Gpu(name=inner[-1] if inner else label or f"{vendor} [{match[1]}:{match[2]}]", vendor=vendor))
    return tuple(found)


def _proc_gpus(look: Look) -> list[Gpu]:
    found = []
    for name in look.names("/proc/driver/nvidia/gpus") or ():
        text = look.read(f"/proc/driver/nvidia/gpus/{name}/information") or ""
        model = re.search(r"^Model:\s*(.+)$", text, re.MULTILINE)
        found.append(Gpu(name=model[1].strip() if model else "NVIDIA GPU"))
    return found


# --- toolkits and libraries ----------------------------------------------------------------------------------------


def toolkits(look: Look) -> tuple[Toolkit, ...]:
    """Every CUDA toolkit on disk: usual places, CUDA_HOME, the active conda environment, nvcc on PATH."""
    local = [name for name in look.names("/usr/local") or () if re.fullmatch(r"cuda(-[\d.]+)?", name)]
    candidates = [
        # `cuda` is a link to one of the others, or to one's `cuda-12`: the longest name says most
        *(f"/usr/local/{name}" for name in sorted(local, key=lambda name: (-len(name), name))),
        *(f"/opt/{name}" for name in look.names("/opt") or () if name.startswith("cuda")),
        look.env.get("CUDA_HOME", ""),
        look.env.get("CUDA_PATH", ""),
        look.env.get("CONDA_PREFIX", ""),
    ]
    nvcc = look.which("nvcc")
    if nvcc:
        candidates.append(os.path.dirname(os.path.dirname(os.path.realpath(look.at(nvcc)))))
    windows = r"C:\Program Files\NVIDIA GPU Computing Toolkit\CUDA"
    candidates += [f"{windows}\\{name}" for name in look.names(windows) or ()] if os.name == "nt" else []
    found: dict[str, Toolkit] = {}
    for path in candidates:
        if not path:
            continue
        real = os.path.realpath(look.at(path))
        headers = f"{path}/targets/x86_64-linux/include" if look.exists(f"{path}/targets/x86_64-linux/include") else ""
        headers = headers or f"{path}/include"
        text = look.read(f"{headers}/cuda.h") or ""
        number = re.search(r"#define CUDA_VERSION (\d+)", text)
        if number is None:
            number = re.search(r"#define CUDART_VERSION\s+(\d+)", look.read(f"{headers}/cuda_runtime_api.h") or "")
        has_nvcc = look.exists(f"{path}/bin/nvcc") or look.exists(f"{path}/bin/nvcc.exe")
        # `/usr/local/bin/nvcc` does not make `/usr/local` a toolkit
        if real in found or not (number or (has_nvcc and "cuda" in path.lower())):
            continue
        limit = re.search(r"#if __GNUC__ > (\d+)", look.read(f"{headers}/crt/host_config.h") or "")
        cudnn = look.read(f"{headers}/cudnn_version.h") or look.read(f"{headers}/cudnn.h") or ""
        parts = [re.search(rf"#define CUDNN_{part} (\d+)", cudnn) for part in ("MAJOR", "MINOR", "PATCHLEVEL")]
        found[real] = Toolkit(
            path=path,
            version=f"{int(number[1]) // 1000}.{int(number[1]) % 1000 // 10}" if number else _of_path(path),
            nvcc=has_nvcc,
            gcc_limit=int(limit[1]) if limit else None,
            cudnn=".".join(part[1] for part in parts if part) if all(parts) else "",
        )
    return tuple(found.values())


def _of_path(path: str) -> str:
    match = re.search(r"cuda[-v/\\]*(\d+\.\d+)", path)
    return match[1] if match else ""


def nvcc_version(text: str) -> str:
    """The release in what `nvcc --version` prints."""
    match = re.search(r"release (\d+\.\d+)", text)
    return match[1] if match else ""


def gcc_version(text: str) -> str:
    """The version in the first line of what `gcc --version` prints."""
    match = re.search(r"\b(\d+\.\d+\.\d+)\b", text.partition("\n")[0])
    return match[1] if match else ""


_LIBRARY = re.compile(r"lib(cudart|cublas|cublasLt|cudnn|nccl|cuda|cusparse|nvrtc|nvJitLink)\.so(?:\.([\d.]+))?")


def libraries(look: Look) -> tuple[Library, ...]:
    """Shared libraries of CUDA in the folders of LD_LIBRARY_PATH, in its order; the longest version of each."""
    found: list[Library] = []
    for folder in dict.fromkeys(look.env.get("LD_LIBRARY_PATH", "").split(":")):
        best: dict[str, str] = {}
        for name in (look.names(folder) or ()) if folder else ():
            match = _LIBRARY.fullmatch(name)
            if match:
                best[match[1]] = max(best.get(match[1], ""), match[2] or "", key=len)
        stub = folder.rstrip("/").endswith("/stubs")
        found += [Library(name, version, folder, stub) for name, version in best.items()]
    return tuple(found)


# --- containers ----------------------------------------------------------------------------------------------------


def docker(look: Look) -> Docker:
    """Docker seen from outside: is it there, and does it know NVIDIA's runtime?"""
    toolkit = bool(look.which("nvidia-ctk", "nvidia-container-runtime", "nvidia-container-cli"))
    runtimes: tuple[str, ...] | None = None
    broken = ""
    text = look.read("/etc/docker/daemon.json")
    if text is not None:
        try:
            loaded = json.loads(text or "{}")
            runtimes = tuple(sorted(loaded.get("runtimes") or {}))
        except (ValueError, AttributeError, TypeError) as error:
            broken = str(error)[:120]
    installed = bool(look.which("docker") or look.which("dockerd"))
    return Docker(
        installed=installed,
        toolkit=toolkit,
        runtimes=runtimes if runtimes is not None or broken or not installed else (),
        broken=broken,
        cdi=any(look.exists(f"{folder}/nvidia.yaml") for folder in ("/etc/cdi", "/var/run/cdi")),
    )
