"""Steps that find out how a platform behaves: by reading, and with a VM that may be lost."""
