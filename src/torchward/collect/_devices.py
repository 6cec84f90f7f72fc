"""A program of its own that asks the driver's libraries for its GPUs: NVML where `nvidia-ml-py` is there, else CUDA.

Containers may be given the driver for computing only, without its tools. Prints what `nvidia-smi --query-gpu` would,
and rows for what that leaves out; a driver that hangs or crashes takes this process with it and no other.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from typing import Any

MAJOR, MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of cuda.h."""
_MODES = {0: "Default", 2: "Prohibited", 3: "Exclusive_Process"}
"""nvmlComputeMode_t."""


def _nvml(nvml: Any) -> Iterator[str]:
    """Rows of NVML. A card that does not support a question leaves its field empty."""

    def told(question: Callable[..., Any], *of: Any) -> Any:
        try:
            answer = question(*of)
        except (nvml.NVMLError, AttributeError):
            return ""
        return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer

    nvml.nvmlInit()
    version, cuda = told(nvml.nvmlSystemGetDriverVersion), told(nvml.nvmlSystemGetCudaDriverVersion)
    if cuda:
        yield f"CUDA Version: {cuda // 1000}.{cuda % 1000 // 10}"
    for index in range(nvml.nvmlDeviceGetCount()):
        card = told(nvml.nvmlDeviceGetHandleByIndex, index)
        if card == "":
            yield f"lost, {index}"
            continue
        memory, use = told(nvml.nvmlDeviceGetMemoryInfo, card), told(nvml.nvmlDeviceGetUtilizationRates, card)
        mig = told(lambda card: nvml.nvmlDeviceGetMigMode(card)[0], card)
        own = told(nvml.nvmlDeviceGetCudaComputeCapability, card)
        errors = told(
            lambda card: nvml.nvmlDeviceGetTotalEccErrors(
                card, nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
            ),
            card,
        )
        fields = (
            index, str(told(nvml.nvmlDeviceGetName, card)).replace(",", " "), version,
            memory.total >> 20 if memory else "", memory.used >> 20 if memory else "", use.gpu if use else "",
            _MODES.get(told(nvml.nvmlDeviceGetComputeMode, card), ""),
            "" if mig == "" else "Enabled" if mig else "Disabled", errors, ".".join(map(str, own)),
        )  # fmt: skip
        yield ", ".join(map(str, fields))
        if mig:
            many = range(told(nvml.nvmlDeviceGetMaxMigDeviceCount, card) or 0)
            made = sum(told(nvml.nvmlDeviceGetMigDeviceHandleByIndex, card, one) != "" for one in many)
            yield f"mig, {index}, {made}"
        for process in told(nvml.nvmlDeviceGetComputeRunningProcesses, card) or ():
            name = os.path.basename(str(told(nvml.nvmlSystemGetProcessName, process.pid)).split(" ")[0])
            used = process.usedGpuMemory
            yield f"process, {index}, {process.pid}, {name.replace(',', ' ')}, {used >> 20 if used else ''}"


def _cuda() -> Iterator[str]:
    """Rows of CUDA's own library, which comes with every driver."""
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    cuda = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    status = cuda.cuInit(0)
    if status:
        raise SystemExit(f"cuInit gave {status}")
    version, count = ctypes.c_int(), ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(version))
    cuda.cuDeviceGetCount(ctypes.byref(count))
    yield f"CUDA Version: {version.value // 1000}.{version.value % 1000 // 10}"
    for index in range(count.value):
        device, memory, name = ctypes.c_int(), ctypes.c_size_t(), ctypes.create_string_buffer(128)
        if cuda.cuDeviceGet(ctypes.byref(device), index):
            continue
        cuda.cuDeviceGetName(name, len(name), device)
        cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
        parts = []
        for attribute in (MAJOR, MINOR):
            value = ctypes.c_int()
            cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
            parts.append(str(value.value))
        label = name.value.decode("utf-8", "replace").replace(",", " ")
        yield f"{index}, {label}, , {memory.value >> 20}, , , , , , {'.'.join(parts)}"


def main() -> None:
    try:
        import pynvml  # type: ignore[import-not-found,unused-ignore]

        rows = list(_nvml(pynvml))
    except Exception:  # not installed, of another kind, or without its library: CUDA itself can still be asked
        rows = list(_cuda())
    print("\n".join(rows))


if __name__ == "__main__":
    main()
