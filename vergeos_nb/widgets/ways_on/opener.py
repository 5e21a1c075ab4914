"""Opens a notebook in the page and runs its cells. The page's script asks JupyterLab for that.

JupyterLab's side is the extension in `runner/labextensions/`. Without it, as in Notebook 7, a link is shown.
"""

from __future__ import annotations

from uuid import uuid4

import anywidget
import traitlets

from vergeos_nb.settings import ServedFile
from vergeos_nb.widgets.scripts import page_file


class Opener(anywidget.AnyWidget):
    """Opens one notebook after another.

    Attributes:
        path: below the server's root.
        url: of the same notebook, for a link.
        press: a new value each time that the notebook must be opened. No other opener has the same value.
    """

    _esm = page_file("opener.js")
    _css = page_file("ways.css")
    path = traitlets.Unicode("").tag(sync=True)
    url = traitlets.Unicode("").tag(sync=True)
    press = traitlets.Unicode("").tag(sync=True)

    def bring(self, notebook: ServedFile) -> None:
        """Open this notebook and run its cells, in the page that the person looks at."""
        with self.hold_sync():
            self.path, self.url = notebook.path, notebook.url
            self.press = uuid4().hex
