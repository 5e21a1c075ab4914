"""A provisioner of warm kernels, for this package's runs and for any kernelspec that names it.

A kernelspec asks for it with ``"metadata": {"kernel_provisioner": {"provisioner_name": "vergeos-nb-warm"}}``.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from vergeos_nb.runner import warm

LAUNCHER = ["-m", "ipykernel_launcher"]
GLANCE_MS = 2
KILLED_WITHIN_S = 1
# As in jupyter_client.
GONE_WITHIN_S = 5


class WarmProvisioner(LocalProvisioner):  # type: ignore[misc]  # jupyter_client ships no types for it
    """Forks a warm kernel if that is possible, and otherwise starts an ordinary one."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Launch the kernel that the command would start.

        Raises:
            OSError: an ordinary kernel could not be started either.
        """
        arguments = _arguments(cmd)
        server = warm.shared() if arguments is not None else None
        if server is not None and arguments is not None:
            folder = kwargs.get("cwd") or str(Path.cwd())
            environ = kwargs.get("env") or os.environ
            try:
                self.process = await asyncio.to_thread(
                    server.fork, arguments, {**environ, "JPY_PARENT_PID": str(server.pid)}, folder
                )
            except asyncio.CancelledError:
                # The thread would wait for the server, and this process could not end before the thread.
                server.abandon()
                raise
            except (EOFError, OSError):
                pass  # the server has died; an ordinary kernel only takes longer to start
            else:
                # Like an ordinary kernel it leads a process group, and signals go to the whole group.
                self.pid = self.pgid = self.process.pid
                return self.connection_info
        return await super().launch_kernel(cmd, **kwargs)

    async def kill(self, restart: bool = False) -> None:
        """End the kernel at once, and wait for its end here: other waits look only ten times a second."""
        await super().kill(restart=restart)
        for _ in range(KILLED_WITHIN_S * 1000 // GLANCE_MS):
            if await self.poll() is not None:
                break
            await asyncio.sleep(GLANCE_MS / 1000)


async def end_at_once(kernel: Any) -> None:
    """End a kernel and what it has started. ``shutdown_kernel`` does the same, and then sleeps for its tests.

    Raises:
        TimeoutError: it still lives.
    """
    if kernel.has_kernel:
        await kernel.interrupt_kernel()
        await kernel.provisioner.kill()
        await asyncio.wait_for(kernel.provisioner.wait(), GONE_WITHIN_S)
    await kernel.cleanup_resources()


def _arguments(command: list[str]) -> list[str] | None:
    """The arguments of ipykernel in a kernelspec's command; None if it is not a kernel of this Python."""
    return command[3:] if command[:3] == [sys.executable, *LAUNCHER] else None
