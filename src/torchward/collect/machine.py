"""Builds the `Machine` fact: looks at this machine without importing torch, in about a second.

Slow questions (commands) are asked at the same time. Every one has a time limit, and one that fails is an answer: the
field stays empty, and `Machine.blind` says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from torchward.collect import _cuda, _python, _system
from torchward.collect._look import Answer, Look
from torchward.facts import Driver, Gpu, Machine, Pip, Python, Setting, System

T = TypeVar("T")

VARIABLES = re.compile(
    r"(?:CUDA|CUDNN|CUBLAS|NVIDIA|PYTORCH|TORCH|TORCHINDUCTOR|TORCHDYNAMO|TRITON|OMP|GOMP|MKL|KMP|OPENBLAS|NUMEXPR|"
    r"VECLIB|NCCL|GLOO|HF|TRANSFORMERS|ACCELERATE|HSA|ROCR|HIP|AMD|MIOPEN|PYTHON|SLURM_(?:JOB_GPUS|GPUS|NTASKS|CPUS)|"
    r"XLA|TF_(?:ENABLE|FORCE|CPP|GPU|USE)|BNB|MASTER|TOKENIZERS|LD_PRELOAD|LD_LIBRARY_PATH|CC$|CXX$|TMPDIR|LOCAL_RANK|RANK|WORLD_SIZE)\w*"
)
_SECRET = re.compile(r"MASTER_ADDR|TOKEN(?!IZERS)|_KEY|SECRET|PASSW|CREDENTIAL|AUTH(?!OR)|COOKIE", re.IGNORECASE)


def collect(look: Look | None = None) -> Machine:
    """This machine, or the one that `look` shows."""
    look = look or Look()
    blind: dict[str, str] = {}

    def guarded(what: str, action: Callable[[], T], otherwise: T) -> T:
        try:
            return action()
        except Exception as error:  # a machine of a kind that nobody thought of
            blind[what] = f"{type(error).__name__}: {error}"[:200]
            return otherwise

    pool = ThreadPoolExecutor(max_workers=6)
    asked: dict[str, Future[Any]] = {
        "smi": pool.submit(_cuda.ask_driver, look),
        "bus": pool.submit(_cuda.ask_bus, look),
        "nvcc": pool.submit(look.run, "nvcc", "--version"),
        "gcc": pool.submit(look.run, look.env.get("CUDAHOSTCXX") or "gcc", "--version"),
        "packages": pool.submit(_python.packages, look),
    }
    system = guarded("system", lambda: _system.system(look), System())
    setting = guarded("setting", lambda: _system.setting(look, system.release), Setting())
    python = guarded("python", lambda: _python.python(look), Python())
    packages = guarded("packages", asked["packages"].result, None)
    torch = guarded("torch", lambda: _python.torch_build(look, packages or ()), None)
    smi = guarded("nvidia-smi", asked["smi"].result, (Answer(missing=True), Answer(missing=True)))
    bus = guarded("bus", asked["bus"].result, "")
    empty: tuple[Driver, tuple[Gpu, ...] | None] = (Driver(), None)
    driver, gpus = guarded("driver", lambda: _cuda.driver_and_gpus(look, smi, bus, packages or ()), empty)
    if gpus is None:
        blind.setdefault("gpus", "neither `nvidia-smi` nor the PCI bus could be asked")
    if system.name == "Darwin" and system.arch == "arm64":
        gpus = (*(gpus or ()), Gpu(name=system.cpu or "Apple", vendor="apple"))
        blind.pop("gpus", None)
    home = look.env.get("CUDA_HOME") or look.env.get("CUDA_PATH") or ""
    nvcc = guarded("nvcc", asked["nvcc"].result, Answer(missing=True))
    gcc = guarded("gcc", asked["gcc"].result, Answer(missing=True))
    machine = Machine(
        system=system,
        setting=setting,
        python=python,
        pip=guarded("pip", lambda: _python.pip(look), Pip()),
        packages=packages,
        torch=torch,
        gpus=gpus,
        driver=driver,
        toolkits=guarded("toolkits", lambda: _cuda.toolkits(look), None),
        nvcc=look.which("nvcc"),
        nvcc_version=_cuda.nvcc_version(nvcc.out) if nvcc.ok else "",
        cuda_home=home,
        cuda_home_exists=look.exists(home) if home else None,
        gcc=_cuda.gcc_version(gcc.out) if gcc.ok else "",
        libraries=guarded("libraries", lambda: _cuda.libraries(look), ()),
        docker=guarded("docker", lambda: _cuda.docker(look), None),
        kernels=guarded("kernels", lambda: _python.kernels(look), None),
        environment=variables(look.env),
        blind=blind,
    )
    pool.shutdown(wait=False)
    return machine


def variables(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that change what torch does; of one that holds a secret only that it is set."""
    return {
        name: "(set)" if _SECRET.search(name) else _python.without_credentials(value)[:2000]
        for name, value in sorted(env.items())
        if VARIABLES.fullmatch(name)
    }
