"""The wheel is whole: installed by itself, it runs the runbooks that it brings along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.served import QUICK, served

ROOT = Path(__file__).parents[1]


def test_the_wheel_alone_runs_a_runbook(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(site)
    assert {"vergeos_nb/runbooks/force_power_off.ipynb", "vergeos_nb/docs/verify-by-hand.md"} <= set(names)
    assert {"vergeos_nb/py.typed", "vergeos_nb/views/templates/step.html.j2"} <= set(names)
    assert {"vergeos_nb/views/fonts/DejaVuSans.ttf", "vergeos_nb/views/fonts/LICENSE"} <= set(names)
    # The extension of JupyterLab, where any JupyterLab of the environment finds it.
    extension = f"{wheel.name.rsplit('-', 3)[0]}.data/data/share/jupyter/labextensions/vergeos-nb"
    assert {f"{extension}/package.json", f"{extension}/static/remoteEntry.js"} <= set(names)
    assert "vergeos_nb/runner/start.ipynb" in names
    assert [name for name in names if name.startswith(("tests/", "outputs/"))] == []

    waits = [word for name, value in QUICK.items() for word in ("-p", f"{name}={value}")]
    code = (
        "import vergeos_nb, sys; print(vergeos_nb.__file__, file=sys.stderr); "
        "from vergeos_nb.cli.main import main; main()"
    )
    with served():
        done = subprocess.run(
            [sys.executable, "-c", code, "run", "force_power_off", "-p", "vm_name=web-01", *waits, "--json"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.stderr.startswith(str(site))
    assert json.loads(done.stdout.splitlines()[-1])["outcome"] == "planned", done.stderr
