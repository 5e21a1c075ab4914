"""The ledger as its readers open it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.archive.made import archive
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.errors import RecordError


def test_a_ledger_that_cannot_be_read_is_not_told_as_a_failed_seal(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    archive(outputs, 1)
    (outputs / "ledger.jsonl").unlink()
    (outputs / "ledger.jsonl").mkdir()
    with pytest.raises(RecordError) as error:
        verify(outputs)
    assert error.value.asked == "reading the ledger"
    assert error.value.next_step == "make it readable, then do the same again"
