"""Run a runbook headless: papermill in a kernel of our own, with a deadline, signals and a record."""
