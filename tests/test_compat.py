"""The table of versions: its shape, its newest entries, and what is computed from it."""

from __future__ import annotations

import re

import pytest

from torchward import compat

TABLE = compat.table()


def test_the_table_says_when_and_from_where() -> None:
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", compat.collected())
    assert len(TABLE["sources"]) >= 20
    assert TABLE["schema"] == 1


def test_the_newest_entries() -> None:
    newest = compat.releases()[-1]
    assert (newest.minor, newest.newest, newest.pypi) == ("2.15", "2.15.0", "cu132")
    assert compat.releases()[0].minor == "1.12"
    assert compat.driver_cuda("615.20") == "13.4"
    assert compat.companions("2.15.0") == ("0.29.2", "2.11.1")


def test_every_release_is_whole_and_newer_than_the_one_before() -> None:
    rows = compat.releases()
    assert [compat.version(row.minor) for row in rows] == sorted(compat.version(row.minor) for row in rows)
    for row in rows:
        assert re.fullmatch(r"20\d\d-\d\d", row.released)
        assert row.build(row.pypi), row.minor
        assert row.pythons
        assert row.glibc in ("2.17", "2.28")
        assert all(patch[0].startswith(f"{row.minor}.") for patch in row.patches)
        for build in row.builds:
            assert re.fullmatch(r"cu\d{3}", build.tag)
            assert compat.driver_floor(".".join(map(str, build.cuda)))
            assert all(
                compat.fit((arch,), arch.removesuffix("+PTX")) == "native" for arch in (*build.archs, *build.arm)
            )


def test_drivers_only_ever_support_more() -> None:
    rows = sorted(TABLE["driver"]["branch"].items(), key=lambda item: int(item[0]))
    numbers = [compat.version(cuda) for _, cuda in rows]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("driver", "cuda", "windows", "expected"),
    [
        ("525.60.13", "12.6", False, True),  # any driver of a major version runs all of its builds
        ("520.61.05", "12.1", False, False),
        ("450.80.02", "11.8", False, True),
        ("450.51.06", "11.8", False, False),
        ("580.65.06", "13.2", False, True),
        ("575.57.08", "13.0", False, False),
        ("595.71.05", "11.8", False, True),  # newer drivers run everything older
        ("527.41", "12.1", True, False),
        ("528.33", "12.1", True, True),
        ("580.88", "13.0", True, True),
        ("512.95", "12.1", True, False),
        ("", "12.1", False, None),
        ("535.104.05", "17.0", False, None),
    ],
)
def test_driver_against_runtime(driver: str, cuda: str, windows: bool, expected: bool | None) -> None:
    assert compat.driver_serves(driver, cuda, windows) is expected


@pytest.mark.parametrize(
    ("archs", "capability", "expected"),
    [
        (("8.0", "8.6"), "8.9", "native"),  # code of the same major version
        (("8.6",), "8.0", "no"),  # but not of a higher minor one
        (("7.5", "8.0", "9.0"), "12.0", "no"),
        (("9.0", "12.0+PTX"), "12.1", "native"),
        (("8.0+PTX",), "9.0", "ptx"),
        (("8.0+PTX",), "7.5", "no"),
        (("sm_80", "sm_90", "compute_90"), "12.0", "ptx"),
        (("sm_90a",), "9.0", "native"),
        (("sm_100", "sm_120"), "10.3", "native"),
        (("8.0",), "8.7", "no"),  # Jetson needs code of its own
        (("8.7",), "8.7", "native"),
        (("5.0",), "5.3", "no"),
        ((), "8.0", None),
        (("8.0",), "", None),
        (("gfx90a",), "8.0", None),
    ],
)
def test_architecture_against_build(archs: tuple[str, ...], capability: str, expected: str | None) -> None:
    assert compat.fit(archs, capability) == expected


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("NVIDIA GeForce RTX 5090 D", "12.0"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "12.0"),
        ("NVIDIA GB200", "10.0"),
        ("NVIDIA H100 80GB HBM3", "9.0"),
        ("NVIDIA H20-3e", "9.0"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "8.9"),
        ("NVIDIA RTX 4000 SFF Ada Generation", "8.9"),
        ("NVIDIA L40S", "8.9"),
        ("NVIDIA A100-SXM4-80GB", "8.0"),
        ("NVIDIA A10G", "8.6"),
        ("NVIDIA RTX A6000", "8.6"),
        ("NVIDIA GeForce RTX 2050", "8.6"),
        ("Quadro RTX 4000", "7.5"),
        ("NVIDIA GeForce GTX 1650 with Max-Q Design", "7.5"),
        ("Tesla T4", "7.5"),
        ("NVIDIA T400 4GB", "7.5"),
        ("Tesla V100-SXM2-32GB", "7.0"),
        ("NVIDIA TITAN X (Pascal)", "6.1"),
        ("GeForce GTX TITAN X", "5.2"),
        ("Quadro P2000", "6.1"),
        ("Tesla P100-PCIE-16GB", "6.0"),
        ("NVIDIA GeForce GTX 960M", "5.0"),
        ("GeForce GTX 980M", "5.2"),
        ("Tesla K80", "3.7"),
        ("GP104 [GeForce GTX 1080]", "6.1"),
        ("NVIDIA Graphics Device", ""),
        ("AMD Instinct MI300X", ""),
        ("Quadro M4000", "5.2"),
        ("Quadro M4000M", "5.0"),  # one letter, another chip
        ("GRID A100D-40C", "8.0"),
        ("NVIDIA L40S-48C", "8.9"),
    ],
)
def test_capability_by_name(name: str, capability: str) -> None:
    assert compat.capability(name) == capability


@pytest.mark.parametrize(
    ("arguments", "torch", "tag"),
    [
        ((("8.9",), "550.54.15", "3.11"), "2.14.1", "cu126"),  # no update of the driver needed
        ((("12.0",), "572.16", "3.12"), "2.11.0", "cu128"),
        ((("6.1",), "535.104.05", "3.12"), "2.14.1", "cu126"),
        ((("6.1", "12.0"), "580.95.05", "3.12"), None, None),  # no build serves both
        ((("7.5", "12.0"), "595.71.05", "3.13"), "2.15.0", "cu132"),
        ((("8.0",), "450.80.02", "3.10"), "2.7.1", "cu118"),
        ((("3.7",), "470.82.01", "3.9"), "2.5.1", "cu118"),
        ((("3.5",), "470.82.01", "3.9"), None, None),
        ((("9.0",), "595.71.05", "3.8"), "2.4.1", "cu121"),
    ],
)
def test_the_newest_build_that_works(arguments: tuple[tuple[str, ...], str, str], torch: str, tag: str) -> None:
    choice = compat.choose_cuda(*arguments)
    assert (choice and choice.torch, choice and choice.tag) == (torch, tag)


def test_choices_respect_the_c_library_and_the_processor() -> None:
    old = compat.choose_cuda(("8.0",), "535.104.05", "3.11", glibc="2.17")
    assert old is not None
    assert old.torch == "2.6.0"
    arm = compat.choose_cuda(("7.5",), "595.71.05", "3.12", arch="aarch64")
    assert arm is None
    mac = compat.choose_cpu("Darwin", "3.12", arch="x86_64")
    assert mac is not None
    assert mac.torch == "2.2.2"


@pytest.mark.parametrize(
    ("name", "companion", "torch", "expected"),
    [
        ("torchvision", "0.23.0+cu128", "2.8.0+cu128", True),
        ("torchvision", "0.22.1", "2.8.0", False),
        ("torchvision", "0.29.1", "2.15.0", True),
        ("torchvision", "0.29.2", "2.13.0", False),
        ("torchaudio", "2.11.0", "2.14.1", True),
        ("torchaudio", "2.10.0", "2.11.0", False),
        ("torchvision", "0.99.0", "2.8.0", None),
        ("torchvision", "0.23.0", "9.9.0", None),
    ],
)
def test_companions(name: str, companion: str, torch: str, expected: bool | None) -> None:
    assert compat.companion_fits(name, companion, torch) is expected  # type: ignore[arg-type]


def test_conda_has_builds_for_every_card_that_a_wheel_of_the_same_time_serves() -> None:
    conda = compat.table()["conda"]
    assert [build["cuda"] for build in conda["builds"]] == sorted((b["cuda"] for b in conda["builds"]), reverse=True)
    assert compat.release(conda["official"]) is not None
    assert set(conda["pythons"]) <= {one for row in compat.releases() for one in row.pythons}
    for capability in ("5.2", "6.1", "7.0"):
        assert compat.conda_cuda((capability,), "580.95.05") == "12"  # CUDA 13 has no code for them
    assert compat.conda_cuda(("12.0",), "580.95.05") == "13"
    assert compat.conda_cuda(("12.0",), "570.124.06") == "12"  # the driver is older
    assert compat.conda_cuda(("12.0",), "580.95.05", glibc="2.17") == "12"  # the system is
    assert compat.conda_cuda(("8.7",), "", arch="aarch64") == "13"  # Orin has code of its own there
    assert compat.conda_cuda(("8.6",), "470.57.02") is None
    assert compat.conda_official(("8.6",), "470.57.02") == ("2.5.1", "11.8")
    assert compat.conda_official(("12.0",), "595.10") is None


def test_arm_may_need_a_newer_c_library() -> None:
    row = compat.release("2.6.0")
    assert row is not None
    assert compat.glibc_serves(row, "2.17") is True
    assert compat.glibc_serves(row, "2.17", "aarch64") is False


@pytest.mark.parametrize(("cuda", "branch"), [("11.4", "470"), ("12.4", "550"), ("13.0", "580"), ("9.9", None)])
def test_the_branch_of_a_driver_by_its_cuda(cuda: str, branch: str | None) -> None:
    assert compat.branch(cuda) == branch
