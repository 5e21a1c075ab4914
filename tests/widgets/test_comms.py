"""Where a real kernel handles what pages send: a page that ended with its subshell makes no click be lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

PATIENCE_S = 60
OPEN = """
from pathlib import Path
from vergeos_nb.notebook.live import LiveRun
live = LiveRun("force_power_off", {{"profile": "simulator", "vm_name": ""}}, Path({outputs!r}))
connect, locate = live.step("connect"), live.step("locate")
"""


class Page:
    """One page of a JupyterLab: a subshell of its own, under which it sends."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.subshell = self._control("create_subshell_request")["subshell_id"]

    def _control(self, kind: str, **content: Any) -> Any:
        message = self.client.session.msg(kind, content)
        self.client.control_channel.send(message)
        return self.client.control_channel.get_msg(timeout=PATIENCE_S)["content"]

    def sends(self, comm: str, data: dict[str, Any]) -> None:
        """Send this to a widget."""
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)

    def press(self, comm: str) -> None:
        """Press a button."""
        self.sends(comm, {"method": "custom", "content": {"kind": "press"}})

    def types(self, comm: str, value: str) -> None:
        """Type into a field."""
        self.sends(comm, {"method": "update", "state": {"value": value}, "buffer_paths": []})

    def end(self) -> None:
        """The page is gone, and JupyterLab ends its subshell."""
        self._control("delete_subshell_request", subshell_id=self.subshell)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    """A kernel as any JupyterLab starts it."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    try:
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def value(client: Any, expression: str) -> str:
    """What an expression is in the kernel."""
    told: list[str] = []

    def hear(message: Any) -> None:
        if message["msg_type"] in ("execute_result", "error"):
            told.append(message["content"].get("data", {}).get("text/plain") or str(message["content"]))

    client.execute_interactive(expression, timeout=PATIENCE_S, output_hook=hear, store_history=False)
    return told[-1] if told else ""


def ids(client: Any, *widgets: str) -> list[str]:
    return [value(client, f"{widget}.comm.comm_id").strip("'") for widget in widgets]


def test_clicks_and_typing_of_a_new_page_are_answered_after_the_old_page_ended_during_a_step(
    client: Any, tmp_path: Path
) -> None:
    """Holds off: a comm was handled where it was last published on, which was the old page's subshell."""
    assert value(client, OPEN.format(outputs=str(tmp_path / "outputs"))) == ""
    assert value(client, "live.run") == ""
    go, name, find = ids(client, "connect.go", "locate.form.fields['vm_name']", "locate.go")
    old = Page(client)
    old.types(name, "web")
    old.press(go)
    # The step ends when the page is gone, and all that it shows is published after that.
    old.end()
    assert value(client, "connect.job.join(60), connect.result.outcome.value") == "(True, 'passed')"
    new = Page(client)
    new.types(name, "web-01")
    new.press(find)
    assert value(client, "locate.job.join(60), locate.result.outcome.value") == "(True, 'passed')"
    new.end()
    last = Page(client)
    last.press(ids(client, "live.step('status_key').go")[0])
    assert value(client, "live.step('status_key').job.join(60)") == "True"
    # Not one widget of the run is bound to a page.
    bound = (
        "{w.comm._reply_subshell_for({}, 'a page') for w in "
        "__import__('ipywidgets').widgets.widget._instances.values()}"
    )
    assert value(client, bound) == "{None}"


def test_a_press_that_comes_twice_counts_once_and_each_is_answered(client: Any) -> None:
    """Holds off: a press that was held up and then made again, once the kernel was free, was done twice."""
    made = (
        "from vergeos_nb.widgets.comms import keep_comms_in_the_main_shell as keep; keep(); "
        "from vergeos_nb.widgets.guarded_button import PressButton; pressed = []; "
        "button = PressButton('Do it'); button.on_click(pressed.append)"
    )
    assert value(client, made) == ""
    (comm,) = ids(client, "button")
    page = Page(client)
    for name in ("first", "first", "second", "first"):
        page.sends(comm, {"method": "custom", "content": {"kind": "press", "press": name}})
    assert value(client, "len(pressed), button.answered") == "(2, 'first')"
