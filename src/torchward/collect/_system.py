"""The operating system, what it grants, and what the machine runs in: `System` and `Setting`."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Mapping

from torchward.collect._look import Look
from torchward.facts import Setting, System

_FLAGS = ("avx", "avx2", "avx512f", "amx_tile", "asimd", "sve")
_ARCHS = {"amd64": "x86_64", "x64": "x86_64", "i386": "x86", "i686": "x86"}
FOLDERS = ("HF_HOME", "HF_HUB_CACHE", "TORCH_HOME", "XDG_CACHE_HOME", "TRITON_CACHE_DIR",
           "TORCHINDUCTOR_CACHE_DIR", "TORCH_EXTENSIONS_DIR")  # fmt: skip
"""Variables that name a folder which torch or its companions write to."""


def arch(text: str) -> str:
    """`AMD64` -> `x86_64`."""
    return _ARCHS.get(text.lower(), text.lower())


def system(look: Look) -> System:
    """What the operating system says of itself; on other systems than Linux less is seen."""
    name = platform.system()
    release = (look.read("/proc/sys/kernel/osrelease") or platform.release()).strip()
    os_release = _pairs(look.read("/etc/os-release") or look.read("/usr/lib/os-release") or "")
    distribution, version, title = (
        os_release.get("ID", ""),
        os_release.get("VERSION_ID", ""),
        os_release.get("PRETTY_NAME", ""),
    )
    if name == "Darwin":
        version = platform.mac_ver()[0]
        title = f"macOS {version}"
    elif name == "Windows":
        version = platform.version()
        title = f"Windows {platform.release()} ({version})"
    glibc, musl = _libc(look) if name == "Linux" else ("", "")
    cpu, flags = _cpu(look)
    memory = _meminfo(look) if name == "Linux" else _other_memory(look, name)
    return System(
        name=name,
        release=release,
        arch=arch(platform.machine()),
        distribution=distribution,
        version=version,
        title=title,
        glibc=glibc,
        musl=musl,
        cpu=cpu,
        cpu_flags=flags,
        cores=os.cpu_count(),
        cores_allowed=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        quota=_quota(look),
        memory=memory.get("MemTotal"),
        available=memory.get("MemAvailable"),
        memory_limit=_memory_limit(look),
        swap=memory.get("SwapTotal"),
        shm=_size(look, "/dev/shm"),
        open_files=_limit("RLIMIT_NOFILE"),
        locked_memory=_limit("RLIMIT_MEMLOCK"),
        disks=_disks(look),
        unwritable=tuple(name for name in FOLDERS if _unwritable(look, look.env.get(name))),
        interfaces=_tuple(look.names("/sys/class/net")),
    )


def setting(look: Look, kernel: str) -> Setting:
    """What this machine runs in. `kernel` is its kernel's release."""
    env = look.env
    wsl = 0
    if "microsoft" in kernel.lower():
        wsl = 2 if "wsl2" in kernel.lower() or "microsoft-standard" in kernel else 1
    job = next(
        (name for name, key in (("slurm", "SLURM_JOB_ID"), ("pbs", "PBS_JOBID"), ("lsf", "LSB_JOBID")) if env.get(key)),
        "",
    )
    cluster = ""
    if not job:
        cluster = next(
            (name for name, program in (("slurm", "srun"), ("pbs", "qsub"), ("lsf", "bsub")) if look.which(program)), ""
        )
    tegra = re.search(r"R(\d+) \(release\), REVISION: (\d+)", look.read("/etc/nv_tegra_release") or "")
    return Setting(
        container=_container(look),
        wsl=wsl,
        hosted=next((name for name, key in _HOSTED if env.get(key)), ""),
        job=job,
        cluster=cluster,
        modules=tuple(module for module in env.get("LOADEDMODULES", "").split(":") if module),
        jetson=f"R{tegra[1]}.{tegra[2]}" if tegra else "",
    )


_HOSTED = (
    ("colab", "COLAB_RELEASE_TAG"),
    ("colab", "COLAB_GPU"),
    ("kaggle", "KAGGLE_KERNEL_RUN_TYPE"),
    ("sagemaker", "SAGEMAKER_INTERNAL_IMAGE_URI"),
    ("sagemaker", "SM_TRAINING_ENV"),
    ("codespaces", "CODESPACES"),
    ("databricks", "DATABRICKS_RUNTIME_VERSION"),
)


def _container(look: Look) -> str:
    if look.env.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    if look.env.get("SINGULARITY_CONTAINER") or look.env.get("APPTAINER_CONTAINER") or look.exists("/.singularity.d"):
        return "singularity"
    if look.exists("/run/.containerenv"):
        return "podman"
    if look.exists("/.dockerenv"):
        return "docker"
    groups = look.read("/proc/1/cgroup") or ""
    for word, name in (("kubepods", "kubernetes"), ("docker", "docker"), ("libpod", "podman"), ("/lxc", "lxc")):
        if word in groups:
            return name
    return ""


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            found[key.strip()] = value.strip().strip("\"'")
    return found


def _libc(look: Look) -> tuple[str, str]:
    """(version of glibc, version of musl)."""
    for folder in ("/lib", "/lib64", "/usr/lib"):
        for name in look.names(folder) or ():
            if name.startswith("ld-musl-") and not look.exists("/lib64/ld-linux-x86-64.so.2"):
                return "", "1"
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        text = ""
    match = re.search(r"glibc (\d+\.\d+)", text)
    return match[1] if match else "", ""


def _cpu(look: Look) -> tuple[str, tuple[str, ...] | None]:
    text = look.read("/proc/cpuinfo")
    if text is None:
        answer = look.run("sysctl", "-n", "machdep.cpu.brand_string") if platform.system() == "Darwin" else None
        return (answer.out.strip() if answer and answer.ok else platform.processor()), None
    model = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    present = set(flags[1].split()) if flags else None
    return model[1].strip() if model else "", None if present is None else tuple(f for f in _FLAGS if f in present)


def _meminfo(look: Look) -> Mapping[str, int]:
    rows = re.findall(r"^(\w+):\s+(\d+) kB", look.read("/proc/meminfo") or "", re.MULTILINE)
    return {key: int(value) * 1024 for key, value in rows}


def _other_memory(look: Look, name: str) -> Mapping[str, int]:
    if name == "Darwin":
        answer = look.run("sysctl", "-n", "hw.memsize")
        return {"MemTotal": int(answer.out)} if answer.ok and answer.out.strip().isdigit() else {}
    if name == "Windows":
        import ctypes

        class Status(ctypes.Structure):
            _fields_ = (
                ("length", ctypes.c_ulong),
                ("load", ctypes.c_ulong),
                *((field, ctypes.c_ulonglong) for field in ("total", "available", "a", "b", "c", "d", "e")),
            )

        status = Status(length=ctypes.sizeof(Status))
        if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined,unused-ignore]
            return {"MemTotal": status.total, "MemAvailable": status.available}
    return {}


def _groups(look: Look) -> list[str]:
    """Folders of this process's control group (version 2) and of those above it."""
    match = re.search(r"^0::(/.*)$", look.read("/proc/self/cgroup") or "", re.MULTILINE)
    path = match[1] if match else "/"
    folders = []
    while True:
        folders.append(f"/sys/fs/cgroup{path.rstrip('/')}")
        if path in ("/", ""):
            return folders
        path = os.path.dirname(path)


def _quota(look: Look) -> float | None:
    found = []
    for folder in _groups(look):
        words = (look.read(f"{folder}/cpu.max") or "").split()
        if len(words) == 2 and words[0].isdigit() and int(words[1]) > 0:
            found.append(int(words[0]) / int(words[1]))
    quota, period = (look.number(f"/sys/fs/cgroup/cpu/cpu.cfs_{word}_us") for word in ("quota", "period"))
    if quota and period and quota > 0:
        found.append(quota / period)
    return min(found, default=None)


def _memory_limit(look: Look) -> int | None:
    found = [look.number(f"{folder}/memory.max") for folder in _groups(look)]
    found.append(look.number("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
    # Version 1 writes "no limit" as a number near 2**63.
    return min((value for value in found if value and value < 1 << 60), default=None)


def _size(look: Look, path: str) -> int | None:
    try:
        return shutil.disk_usage(look.at(path)).total
    except OSError:
        return None


def _limit(name: str) -> int | None:
    try:
        import resource

        soft = resource.getrlimit(getattr(resource, name))[0]
        return -1 if soft == resource.RLIM_INFINITY else soft
    except (ImportError, AttributeError, OSError, ValueError):
        return None


def _disks(look: Look) -> dict[str, int]:
    folders = {
        "environment": look.prefix,
        "home": str(look.home),
        "temporary": look.env.get("TMPDIR") or ("/tmp" if os.name != "nt" else look.env.get("TEMP", "")),
    }
    free = {}
    for name, folder in folders.items():
        try:
            free[name] = shutil.disk_usage(look.at(folder)).free
        except OSError:
            continue
    return free


def _unwritable(look: Look, folder: str | None) -> bool:
    """Torch and its companions make a missing cache folder themselves, if they may write to what is above it."""
    if not folder:
        return False
    path = look.at(os.path.expanduser(folder))
    try:
        while not path.exists() and path != path.parent:
            path = path.parent
        return not (path.is_dir() and os.access(path, os.W_OK))
    except OSError:
        return True


def _tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)
