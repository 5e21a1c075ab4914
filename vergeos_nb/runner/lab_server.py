"""JupyterLab's server: ``python -P -m vergeos_nb.runner.lab_server``, with the options of ``jupyter lab``.

The server loads jsonschema, whose optional checks of formats take longer to load than the rest of it. As in
`vergeos_nb.nb`, they are hidden.
"""

from __future__ import annotations

from vergeos_nb.imports import SLOW_FORMATS, absent

with absent(*SLOW_FORMATS):
    from jupyterlab.labapp import main

if __name__ == "__main__":
    main()
