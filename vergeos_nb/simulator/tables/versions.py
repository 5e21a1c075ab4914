"""The versions that a system names: of VergeOS, and of the parts on each node."""

from __future__ import annotations

RECORDED = {
    "appserver_version": "1.0.612 06/16/26", "vsan_version": "3.2.481 07/01/26",
    "kernel_version": "6.6.144yb-49", "qemu_version": "10.0.9",
}  # fmt: skip
"""Node rows of 26.1.8 (Ansible collection 2.2.0, nodes.json). 26.2: assumed alike."""


def system_versions(version: str) -> dict[str, str]:
    """Return the version columns of the system row; on a real 26.1.8 both are the same text."""
    return {"yb_version": version, "os_version": version}


def node_versions(version: str) -> dict[str, str]:
    """Return the version columns of a node row."""
    return {**system_versions(version), **RECORDED}
