"""How many API calls a run makes, and what it leaves on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.claim import Claim, Goal, Metric, Pair, Sample, Setting
from bench.commands import BIN
from bench.single import NO_WAITS, RATE, answer, given
from bench.system import reached_as_real, simulated

# By hand: find the VM, its status key, its status, Power Off, the PUT, and a look afterwards.
_BY_HAND = Sample(count=6)


def _whole_run(
    waits: Mapping[str, object], *, paced: bool
) -> Callable[[Setting], AbstractContextManager[Pair]]:
    """An approved run over one stuck VM, with every method. Its plan was made before."""

    @contextmanager
    def pair(setting: Setting) -> Iterator[Pair]:
        with simulated(setting.folder, rate=RATE) as system:
            outputs = setting.folder / "outputs"
            environ = reached_as_real(system) if paced else system.environ
            more = ["--profile", "env"] if paced else []
            words = [BIN / "vergeos-nb", "run", "force_power_off", "--json", *more]
            words += given(vm_name="web-01", **(NO_WAITS if setting.short else waits))

            def ours() -> Sample:
                system.reset()
                told = {**environ, "VERGEOS_NB_OUTPUTS": str(outputs)}
                digest = answer(words, setting.folder, told)["plan_digest"]
                before, kept = system.calls(), _size(outputs)
                answer([*words, "--approve", digest], setting.folder, told)
                # Without the one call that finds out whether a simulator answers.
                count = system.calls() - before - (not paced)
                return Sample(count=count, written_mb=(_size(outputs) - kept) / 1e6)

            yield Pair(ours, lambda: _BY_HAND)

    return pair


def _size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _claim(
    name: str, what: str, waits: Mapping[str, object], most: int, *, paced: bool = False, slow: bool = False
) -> Claim:
    goals = (Goal(Metric.COUNT, most, absolute=True), Goal(Metric.WRITTEN, None))
    return Claim(
        name,
        f"calls of an approved run, from Connect to Confirm, {what}",
        "the vendor's procedure by hand",
        goals,
        _whole_run(waits, paced=paced),
        rounds=1,
        slow=slow,
    )


CLAIMS = (
    _claim("calls", "shortest waits", NO_WAITS, 25),
    _claim("calls-paced", "shortest waits, requests at a distance", NO_WAITS, 25, paced=True),
    _claim("calls-default-waits", "default waits", {}, 60, slow=True),
)
