"""The commands over many VMs: ``vergeos-nb stuck`` and ``vergeos-nb fleet``."""
