"""The interpreter, what is installed beside it, pip's settings and notebook kernels. Imports nothing that it finds."""

from __future__ import annotations

import ast
import json
import os
import platform
import re
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from torchward.collect._look import Look
from torchward.facts import Kernel, Package, Pip, Python, TorchBuild

_INTERESTING = """
    torch torchvision torchaudio torchtext torchdata torchao torchtune torchmetrics functorch pytorch pytorch-triton
    triton triton-windows numpy cuda-toolkit cuda-bindings cuda-python tensorflow tensorflow-cpu tensorflow-gpu
    jax jaxlib xformers flash-attn bitsandbytes deepspeed apex vllm lightning pytorch-lightning transformers
    accelerate diffusers peft trl datasets timm safetensors onnx onnxruntime onnxruntime-gpu opencv-python
    opencv-python-headless opencv-contrib-python opencv-contrib-python-headless pillow pillow-simd faiss-cpu
    faiss-gpu pynvml nvidia-ml-py torch-scatter torch-sparse torch-cluster torch-geometric pytorch3d hf-transfer
    hf-xet huggingface-hub ipykernel jupyter-client intel-extension-for-pytorch torch-directml torch-xla mkl
    intel-openmp scipy torch-tensorrt tensorrt fastai keras unsloth sentence-transformers ultralytics dgl
    torchrl tensordict pytorch-cuda pytorch-mutex cpuonly cudatoolkit cudnn nccl libtorch"""
INTERESTING = frozenset(_INTERESTING.split())
"""Packages that the report and the rules speak of; those of NVIDIA, whose names begin with `nvidia-`, come to these."""

_SHADOWS = """
    torch torchvision torchaudio numpy transformers datasets accelerate lightning triton random types typing string
    copy queue select socket signal logging json math operator enum tokenize code profile statistics secrets
    inspect dataclasses collections functools io abc site warnings platform calendar email http token"""
SHADOWS = frozenset(_SHADOWS.split())
"""Modules that `import torch` needs: a file of this name in the working folder is imported in their place."""


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def interesting(name: str) -> bool:
    return name in INTERESTING or name.startswith(("nvidia-", "torch-"))


# --- the interpreter -----------------------------------------------------------------------------------------------


def python(look: Look) -> Python:
    """The interpreter that runs this, and what else answers to its name."""
    env = look.env
    first = look.which("python", "python3")
    pip = _pip_interpreter(look)
    virtual, conda = env.get("VIRTUAL_ENV", ""), env.get("CONDA_PREFIX", "")
    path_entries = tuple(entry for entry in env.get("PYTHONPATH", "").split(os.pathsep) if entry)
    return Python(
        executable=look.executable,
        version=platform.python_version(),
        implementation=platform.python_implementation(),
        bits=struct.calcsize("P") * 8,
        free_threaded=bool(__import__("sysconfig").get_config_var("Py_GIL_DISABLED")),
        environment=_environment(look),
        prefix=look.prefix,
        managed=_managed(look),
        has_pip=any(look.exists(os.path.join(entry, "pip", "__init__.py")) for entry in look.path),
        first_python=first,
        first_is_this=_same_environment(look, first) if first else None,
        pip_interpreter=pip,
        pip_is_this=_same_environment(look, pip) if pip else None,
        virtual_env=virtual if virtual and not _same(look, virtual, look.prefix) else "",
        conda_prefix=conda if conda and not _same(look, conda, look.prefix) and not virtual else "",
        user_site=any(".local" in entry or "Roaming" in entry for entry in look.path if entry.endswith("-packages")),
        pythonpath=path_entries,
        pythonhome=env.get("PYTHONHOME", ""),
        shadows=tuple(_shadows(look)),
        leftovers=tuple(
            sorted({name for entry in look.path for name in look.names(entry) or () if re.match(r"~[\w-]", name)})
        ),
        translated=_translated(look),
    )


def _environment(look: Look) -> str:
    prefix, base = look.prefix, look.base_prefix
    config = look.read(os.path.join(prefix, "pyvenv.cfg"))
    if prefix != base or config is not None:
        if config and re.search(r"^uv\s*=", config, re.MULTILINE):
            return "uv"
        if "pypoetry" in prefix:
            return "poetry"
        return "pipx" if "/pipx/" in prefix.replace(os.sep, "/") else "venv"
    if look.exists(os.path.join(prefix, "conda-meta")):
        return "conda"
    path = prefix.replace(os.sep, "/")
    for part, name in (
        ("/.pyenv/", "pyenv"),
        ("/uv/python/", "uv"),
        ("/Cellar/", "homebrew"),
        ("/homebrew/", "homebrew"),
        ("WindowsApps", "store"),
    ):
        if part in path:
            return name
    return "system" if path in ("/usr", "/System") or path.startswith("/Library/") else "standalone"


def _managed(look: Look) -> bool | None:
    """PEP 668: the marker lies beside the standard library and binds only outside virtual environments."""
    if look.prefix != look.base_prefix:
        return False
    lib = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folders = (os.path.join(look.base_prefix, "lib", lib), os.path.join(look.base_prefix, "lib64", lib))
    return any(look.exists(os.path.join(folder, "EXTERNALLY-MANAGED")) for folder in folders)


def _same(look: Look, one: str, other: str) -> bool:
    try:
        return os.path.realpath(look.at(one)) == os.path.realpath(look.at(other))
    except (OSError, ValueError):
        return one == other


def _same_environment(look: Look, interpreter: str) -> bool | None:
    """Whether an interpreter belongs to the environment that was asked. Its folder tells: links are not followed."""
    if _is_shim(interpreter):
        return None
    folder = os.path.dirname(interpreter)
    inside = os.path.dirname(folder) if os.path.basename(folder) in ("bin", "Scripts") else folder
    if _same(look, inside, look.prefix):
        return True
    # `/usr/bin/python3` for the prefix `/usr/local` and the like: the same file is the same interpreter, unless one of
    # them is a virtual environment, where all are links to one file.
    return look.prefix == look.base_prefix and _same(look, interpreter, look.executable)


def _is_shim(path: str) -> bool:
    """A launcher (pyenv, asdf, the Windows store's) that chooses an interpreter when it is called."""
    return bool(re.search(r"[\\/](?:shims|WindowsApps)[\\/]", path))


def _pip_interpreter(look: Look) -> str:
    """The interpreter that the first `pip` on PATH runs, from the first line of that script."""
    script = look.which("pip", "pip3")
    if not script or script.endswith(".exe") or _is_shim(script):
        return ""
    try:
        with open(look.at(script), "rb") as file:
            head = file.read(400).decode("utf-8", "replace")
    except OSError:
        return ""
    match = re.match(r"#!\s*(\S*python[\w.]*)\s*$", head, re.MULTILINE) or re.search(
        r"exec['\" ]+(/\S*python[\w.]*)", head
    )
    return match[1] if match else ""


def _shadows(look: Look) -> Iterator[str]:
    for name in look.names(look.folder) or ():
        stem, dot, ending = name.partition(".")
        if stem in SHADOWS and (ending == "py" or (not dot and look.exists(look.folder / name / "__init__.py"))):
            # In the folder of an installed copy itself (site-packages, a clone) this is no shadow.
            if stem == "torch" and look.exists(look.folder / "torch" / "version.py"):
                continue
            yield name if dot else f"{name}/"


def _translated(look: Look) -> bool:
    if platform.system() != "Darwin" or platform.machine() != "x86_64":
        return False
    return look.run("sysctl", "-n", "sysctl.proc_translated").out.strip() == "1"


# --- packages ------------------------------------------------------------------------------------------------------


def packages(look: Look) -> tuple[Package, ...]:
    """The interesting distributions on the path, of conda and of the system. Names of folders tell most of it."""
    found: list[Package] = []
    seen: set[str] = set()
    for entry in dict.fromkeys(look.path):
        for name in look.names(entry) or ():
            stem, ending = os.path.splitext(name)
            if ending not in (".dist-info", ".egg-info"):
                continue
            project, _, number = stem.partition("-")
            project = normalised(project)
            if not interesting(project):
                continue
            found.append(_distribution(look, entry, name, project, number.split("-")[0], project not in seen))
            seen.add(project)
    found += _conda(look)
    found += _apt(look)
    return tuple(found)


def _distribution(look: Look, entry: str, name: str, project: str, number: str, active: bool) -> Package:
    folder = os.path.join(entry, name)
    text = look.read(os.path.join(folder, "METADATA")) or look.read(os.path.join(folder, "PKG-INFO"))
    if text is None:
        text = look.read(folder)  # an egg-info may be a single file
    head = (text or "").partition("\n\n")[0]
    stated = re.search(r"^Version:\s*(\S+)", head, re.MULTILINE)
    requires = tuple(
        line
        for line in re.findall(r"^Requires-Dist:\s*(.+)$", head, re.MULTILINE)
        if interesting(normalised(re.match(r"[\w.-]*", line)[0]))  # type: ignore[index]
    )
    top = {"pillow": "PIL"}.get(project, project.replace("-", "_"))
    return (
        Package(
            name=project,
            version=stated[1] if stated else "",
            location=entry,
            requires=requires,
            active=active,
            importable=project not in ("torch", "torchvision", "torchaudio", "numpy")
            or look.exists(os.path.join(entry, top, "__init__.py"))
            or _editable(look, entry, folder),
        )
        if stated or not number
        else Package(project, number, entry, active=active)
    )


def _editable(look: Look, entry: str, folder: str) -> bool:
    return look.exists(os.path.join(folder, "direct_url.json")) or any(
        name.endswith((".egg-link", ".pth")) and ("torch" in name or "easy-install" in name)
        for name in look.names(entry) or ()
    )


_CONDA = re.compile(
    r"(pytorch|pytorch-cuda|pytorch-mutex|pytorch-cpu|pytorch-gpu|cpuonly|libtorch|torchvision|torchaudio|cudatoolkit|"
    r"cuda-version|cuda-toolkit|cuda-nvcc|cuda-cudart|cudnn|nccl|numpy|mkl|triton)-([^-]+)-([^-]+)\.json"
)


def _conda(look: Look) -> Iterator[Package]:
    folder = os.path.join(look.prefix, "conda-meta")
    for name in look.names(folder) or ():
        match = _CONDA.fullmatch(name)
        if match:
            yield Package(match[1], match[2], look.prefix, "conda", match[3])


_APT = re.compile(
    r"nvidia-(?:driver|dkms|kernel|utils|headless|open|container|cuda)[\w.+-]*|libnvidia-(?:compute|container|gl)[\w.-]*|"
    r"cuda(?:-\d+-\d+|-toolkit[\w.-]*|-drivers[\w.-]*|-compat[\w.-]*|-runtime[\w.-]*)?|libcudnn\w*(?:-cuda-\d+)?|"
    r"python3-torch|tensorrt|libnccl2|nvidia-l4t-core|nvidia-jetpack"
)


def _apt(look: Look) -> Iterator[Package]:
    """Packages of dpkg, else of rpm or pacman, that bring a driver, CUDA or torch."""
    text = look.read("/var/lib/dpkg/status")
    if text is not None:
        for block in text.split("\n\n"):
            name = block[9 : block.find("\n")] if block.startswith("Package: ") else ""
            if _APT.fullmatch(name) and "\nStatus: install ok" in block:
                stated = re.search(r"^Version: (\S+)", block, re.MULTILINE)
                yield Package(name, stated[1] if stated else "", source="apt")
        return
    names = look.names("/var/lib/pacman/local")
    if names is not None:
        for entry in names:
            match = re.fullmatch(r"(nvidia[\w-]*|cuda|cudnn|nccl|python-pytorch[\w-]*)-([^-]+-[^-]+)", entry)
            if match:
                yield Package(match[1], match[2], source="pacman")
        return
    if look.exists("/var/lib/rpm") or look.exists("/usr/lib/sysimage/rpm"):
        answer = look.run("rpm", "-qa", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\\n")
        for line in answer.out.splitlines() if answer.ok else ():
            name, _, version = line.partition(" ")
            if re.match(r"(nvidia|kmod-nvidia|akmod-nvidia|xorg-x11-drv-nvidia|cuda|libcudnn|libnccl)", name):
                yield Package(name, version, source="rpm")


def torch_build(look: Look, found: Iterable[Package]) -> TorchBuild | None:
    """The torch that an import finds first, read from `torch/version.py` as text."""
    for entry in look.path:
        text = look.read(os.path.join(entry, "torch", "version.py"))
        if text is not None:
            values = _assignments(text)
            version = str(values.get("__version__") or "")
            if not version:
                version = next((p.version for p in found if p.name == "torch" and p.location == entry), "")
            return TorchBuild(
                version=version,
                cuda=str(values.get("cuda") or ""),
                hip=str(values.get("hip") or ""),
                xpu=str(values.get("xpu") or ""),
                location=entry,
                known="cuda" in values,
            )
    return None


def _assignments(text: str) -> dict[str, object]:
    """Constants that a module assigns. Parsed, never run; a broken file gives what a pattern can still read."""
    values: dict[str, object] = {}
    try:
        for node in ast.parse(text).body:
            value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if isinstance(value, ast.Constant):
                values |= {target.id: value.value for target in targets if isinstance(target, ast.Name)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        for key, quoted in re.findall(r"^(\w+)(?:\s*:[^=\n]+)?\s*=\s*['\"]([^'\"]*)['\"]", text, re.MULTILINE):
            values[key] = quoted
    return values


# --- pip -----------------------------------------------------------------------------------------------------------


def without_credentials(url: str) -> str:
    """A URL without user name and password, and without its query, where some put a token."""
    try:
        parts = urlsplit(url)
        if parts.netloc and ("@" in parts.netloc or parts.query):
            who, at, host = parts.netloc.rpartition("@")
            return urlunsplit(parts._replace(netloc=f"{'***' if who else ''}{at}{host}", query=""))
    except ValueError:
        return "***" if "@" in url else url
    return re.sub(r"[\w.+-]+:[^\s@/]+@", "***@", url)


def pip(look: Look) -> Pip:
    """Where pip looks: its files in the order in which it reads them, then the environment, which wins."""
    home = look.home
    windows = os.name == "nt"
    files = [
        *(f"{folder}/pip/pip.conf" for folder in look.env.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")),
        "/etc/pip.conf",
        str(home / ".pip" / "pip.conf"),
        str(home / "Library" / "Application Support" / "pip" / "pip.conf"),
        str(Path(look.env.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"),
        os.path.join(look.prefix, "pip.conf"),
    ]
    if windows:
        files = [
            str(Path(look.env.get("PROGRAMDATA", "C:\\ProgramData")) / "pip" / "pip.ini"),
            str(home / "pip" / "pip.ini"),
            str(Path(look.env.get("APPDATA", "")) / "pip" / "pip.ini"),
            os.path.join(look.prefix, "pip.ini"),
        ]
    own = look.env.get("PIP_CONFIG_FILE", "")
    settings: dict[str, str] = {}
    read = []
    for file in [] if own == os.devnull else [*files, own] if own else files:
        text = look.read(file)
        if text is not None:
            read.append(file)
            settings |= _ini(text)
    settings |= {
        key[4:].lower().replace("_", "-"): value for key, value in look.env.items() if key.startswith("PIP_") and value
    }
    proxy = settings.get("proxy") or look.env.get("HTTPS_PROXY") or look.env.get("https_proxy") or ""
    elsewhere = [key for key in ("target", "prefix") if settings.get(key)]
    if settings.get("user", "").lower() in ("1", "true", "yes", "on"):
        elsewhere.append("user")
    return Pip(
        index=without_credentials(settings.get("index-url", "")),
        extra=tuple(without_credentials(url) for url in settings.get("extra-index-url", "").split()),
        find_links=tuple(without_credentials(url) for url in settings.get("find-links", "").split()),
        proxy=without_credentials(proxy),
        no_index=settings.get("no-index", "").lower() in ("1", "true", "yes", "on"),
        target=elsewhere[0] if elsewhere else "",
        files=tuple(read),
    )


def _ini(text: str) -> dict[str, str]:
    """Keys of `[global]` and `[install]`; not configparser, which stops at the first odd line."""
    values: dict[str, str] = {}
    section = key = ""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            section, key = line.strip("[]").strip().lower(), ""
        elif raw[0].isspace() and key:
            values[key] = f"{values[key]} {line}".strip()
        elif section in ("global", "install"):
            name, equals, value = line.partition("=")
            if not equals:
                name, equals, value = line.partition(":")
            if equals:
                key = name.strip().lower().replace("_", "-")
                values[key] = value.strip()
    return values


# --- notebooks -----------------------------------------------------------------------------------------------------


def kernels(look: Look) -> tuple[Kernel, ...]:
    """The kernels that Jupyter offers, each with the interpreter that it starts."""
    data = [
        *(folder for folder in look.env.get("JUPYTER_PATH", "").split(os.pathsep) if folder),
        look.env.get("JUPYTER_DATA_DIR") or str(look.home / ".local" / "share" / "jupyter"),
        str(look.home / "Library" / "Jupyter"),
        os.path.join(look.env.get("APPDATA", ""), "jupyter") if look.env.get("APPDATA") else "",
        os.path.join(look.prefix, "share", "jupyter"),
        "/usr/local/share/jupyter",
        "/usr/share/jupyter",
    ]
    found: dict[str, Kernel] = {}
    for folder in dict.fromkeys(entry for entry in data if entry):
        base = os.path.join(folder, "kernels")
        for name in look.names(base) or ():
            if name in found:
                continue
            try:
                command = json.loads(look.read(os.path.join(base, name, "kernel.json")) or "{}")["argv"]
                interpreter = str(command[0])
            except (ValueError, KeyError, IndexError, TypeError):
                continue
            if any("ipykernel" in str(word) for word in command):
                found[name] = _kernel(look, name, interpreter, os.path.dirname(os.path.dirname(folder)))
    return tuple(found.values())


def _kernel(look: Look, name: str, interpreter: str, home: str) -> Kernel:
    if not os.path.isabs(interpreter):
        # `python` in a kernel of the environment itself means Jupyter's own interpreter, elsewhere that of PATH.
        if _same(look, home, look.prefix):
            return Kernel(name, interpreter, True, True, None)
        return Kernel(name, interpreter)
    exists = look.exists(interpreter)
    here = bool(_same_environment(look, interpreter))
    torch = None
    if exists and not here:
        prefix = os.path.dirname(os.path.dirname(interpreter))
        folders = [os.path.join(prefix, "Lib", "site-packages")] if os.name == "nt" else []
        for lib in look.names(os.path.join(prefix, "lib")) or ():
            if lib.startswith("python3"):
                folders.append(os.path.join(prefix, "lib", lib, "site-packages"))
        if folders:
            torch = ""
        for folder in folders:
            text = look.read(os.path.join(folder, "torch", "version.py"))
            if text is not None:
                torch = str(_assignments(text).get("__version__") or "?")
    return Kernel(name, interpreter, exists, here, torch)
