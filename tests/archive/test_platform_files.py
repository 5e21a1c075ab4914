"""What was measured of a system, as a file: written whole, read back, and damaged by a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from vergeos_nb.archive.platform_files import PlatformFiles, file_name
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import RecordError
from vergeos_nb.vergeos.measured import Measured, Measurements, SystemMeasured

SYSTEM = SystemMeasured("vergeos.example:8443", "lab", "26.1.8", False)


class Noon(SystemClock):
    def now(self) -> float:
        return 1_790_000_000.0


@pytest.fixture
def files(tmp_path: Path) -> PlatformFiles:
    return PlatformFiles(tmp_path, Noon(), "120000Z-learn_platform-platform-0a1b2c3d")


def kept(value: str, how: str = "") -> Measured:
    return Measured(value, how, "26.1.8", 1_790_000_000.0, "120000Z-learn_platform-platform-0a1b2c3d")


def test_what_was_kept_is_read_back(files: PlatformFiles) -> None:
    hostile = 'a "quoted" \\ text\nwith \x1b[31mcolour, ü and \ud800'
    files.keep(SYSTEM, {"ASSUME_A": ("measured true", "seen")}, {"put_body": ('{"a": 1}', hostile)})
    found = files.find(SYSTEM.name)
    assert (found.system, found.assumptions, found.damaged) == (
        SYSTEM,
        {"ASSUME_A": kept("measured true", "seen")},
        "",
    )
    assert found.seen["put_body"].value == '{"a": 1}'
    assert found.seen["put_body"].how == 'a "quoted" \\ text with \\x1b[31mcolour, ü and \\ud800'


def test_nothing_was_measured_of_another_system(files: PlatformFiles) -> None:
    files.keep(SYSTEM, {}, {})
    assert files.find("other.example") == Measurements()
    # Two names that make one file's name.
    assert files.find("vergeos.example_8443").damaged.endswith("it is another system's")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nothing = [", "it is no TOML"),
        ('format = "vergeos-nb/platform/9"\n[system]\nname = "vergeos.example:8443"\ncloud_name = ""\n'
         'version = ""\nsimulated = false\n', "its format is"),
        ('format = "vergeos-nb/platform/1"\n', "'system' is missing"),
    ],
)  # fmt: skip
def test_a_damaged_file_counts_for_nothing_says_why_and_is_put_aside(
    files: PlatformFiles, tmp_path: Path, text: str, why: str
) -> None:
    path = tmp_path / "platform" / f"{file_name(SYSTEM.name)}.toml"
    path.parent.mkdir()
    path.write_text(text)
    found = files.find(SYSTEM.name)
    assert (found.assumptions, found.seen) == ({}, {})
    assert why in found.damaged
    files.keep(SYSTEM, {}, {"no_match": ("[]", "")})
    assert files.find(SYSTEM.name).seen == {"no_match": kept("[]")}
    assert path.with_name(f"{path.name}.damaged").read_text() == text


def test_a_measurement_without_a_record_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(RecordError):
        PlatformFiles(tmp_path, Noon()).keep(SYSTEM, {}, {})
    assert list(tmp_path.iterdir()) == []
