"""What the cells of a runbook call, headless and where somebody clicks."""
