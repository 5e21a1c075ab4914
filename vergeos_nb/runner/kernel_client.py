"""The client that sends cells to the kernel. It is ready as soon as the kernel is."""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient

# After this silence the kernel is asked again, and checked for life.
REPLY_S = 1.0
# The kernel sends ``idle`` right after its reply, so it arrives at once.
IDLE_S = 0.05
# ZeroMQ would wait 100 ms where a kernel that starts does not listen yet.
CONNECTED_AGAIN_MS = 5


class PromptClient(AsyncKernelClient):  # type: ignore[misc]  # jupyter_client ships no types for it
    """A client that does not wait for silence to know that both channels are connected.

    jupyter_client's own client reads IOPub until no message has come for 0.2 s. This client waits for the
    kernel's ``idle`` for the request that it has just answered. Later messages belong to later requests.
    """

    def start_channels(self, *args: Any, **options: Any) -> None:
        """Connect to a kernel, which may still be starting."""
        self.context.setsockopt(zmq.RECONNECT_IVL, CONNECTED_AGAIN_MS)
        super().start_channels(*args, **options)

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
        """The id of the request that was answered; "" if none was."""
        try:
            message = await self.get_shell_msg(timeout=REPLY_S)
        except Empty:
            return ""
        return _request_of(message) if message["msg_type"] == "kernel_info_reply" else ""

    async def _idle(self, request: str) -> bool:
        """Whether the kernel's ``idle`` for this request arrives. It is missed if IOPub connects late."""
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
