"""The client that cells are sent through: ready as soon as its kernel is."""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient

# How long a kernel may be silent before it is asked again, and whether it lives at all.
REPLY_S = 1.0
# There is no work between a reply on one channel and its end on the other.
IDLE_S = 0.2


class PromptClient(AsyncKernelClient):  # type: ignore[misc]  # jupyter_client ships no types for it
    """Waits for what shows that both channels are joined, and not for a silence that follows it.

    jupyter_client's own client reads IOPub until nothing has come for 0.2 s. Here the kernel's ``idle`` for
    the very request that it has answered says the same: what comes later belongs to later requests.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return when the kernel answers and its outputs arrive.

        Args:
            timeout: seconds; None waits as long as the kernel lives.

        Raises:
            RuntimeError: it died, or did not answer in time.
        """
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            self.kernel_info()
            answered = await self._answered()
            if answered and await self._idle(answered):
                return
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > until:
                raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")

    async def _answered(self) -> str:
        """The request that was answered, or "" where none was."""
        try:
            message = await self.get_shell_msg(timeout=REPLY_S)
        except Empty:
            return ""
        return _request_of(message) if message["msg_type"] == "kernel_info_reply" else ""

    async def _idle(self, request: str) -> bool:
        """Whether the kernel's ``idle`` for this request arrives; not if IOPub was joined after it."""
        while True:
            try:
                message = await self.get_iopub_msg(timeout=IDLE_S)
            except Empty:
                return False
            status = message["content"].get("execution_state")
            if (status, _request_of(message)) == ("idle", request):
                return True


def _request_of(message: Any) -> str:
    return str(message["parent_header"].get("msg_id", ""))
