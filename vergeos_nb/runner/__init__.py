"""Runs a runbook headless: papermill wrapped once, with a deadline, signals and a truthful record."""
