"""What to do after a run, or instead of one: buttons that open a notebook with its parameters filled in."""
