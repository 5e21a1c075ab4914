"""The functions that the cells of a runbook call, headless and live."""
