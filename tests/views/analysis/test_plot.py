"""The picture of numbers over time: what it shows is said in words, too."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO

import pandas as pd
import pytest
from PIL import Image

from vergeos_nb.errors import UsageError
from vergeos_nb.views.analysis.plot import Plot, PlotLine, lines_of
from vergeos_nb.views.analysis.run_frames import run_frames

TIMES = pd.to_datetime([0, 1_000, 2_000], unit="ms", utc=True)
DATA = pd.DataFrame(
    {
        "read_at": TIMES,
        "$key": pd.Series([1, 1, 1], dtype="Int64"),
        "cpu": pd.Series([1.5, None, 3.0], dtype="Float64"),
        "status": pd.Series(["a", "b", "c"], dtype="string"),
    }
)


def test_lines_are_the_numbers_over_the_first_time_and_keys_are_none() -> None:
    assert lines_of(DATA, "x") == [PlotLine("cpu", [(0.0, 1.5), (2.0, 3.0)])]


def test_each_device_has_a_line_of_its_own() -> None:
    two = pd.concat([DATA.assign(name="nic_0"), DATA.assign(name="nic_1")])
    assert [line.label for line in lines_of(two, "x")] == ["nic_0 cpu", "nic_1 cpu"]


def test_the_picture_is_a_png_with_its_content_in_words() -> None:
    plot = Plot("x over time", lines_of(DATA, "x"))
    bundle, metadata = plot._repr_mimebundle_()
    image = Image.open(BytesIO(b64decode(bundle["image/png"])))
    assert (image.format, image.width) == ("PNG", 1500)
    assert bundle["text/plain"] == "x over time. cpu: 1.50 → 3, 2 readings"
    assert metadata["image/png"]["alt"] == bundle["text/plain"]


@pytest.mark.parametrize("points", [[(0.0, 5.0)], [(0.0, 5.0), (0.0, 5.0)], [(0.0, -1e300), (1.0, 1e300)]])
def test_any_points_can_be_drawn(points: list[tuple[float, float]]) -> None:
    assert "image/png" in Plot("x", [PlotLine("a\x1b", points)]).bundle


def test_where_nothing_was_read_there_is_a_sentence_and_no_picture() -> None:
    assert run_frames((), (), {}, None).plot().bundle == {
        "text/plain": "machine_stats over time: nothing was read"
    }


def test_a_column_without_numbers_and_a_frame_without_times_are_refused() -> None:
    with pytest.raises(UsageError, match="no numbers 'status'"):
        lines_of(DATA, "x", ["status"])
    with pytest.raises(UsageError, match="no time"):
        lines_of(DATA[["cpu"]], "x")
