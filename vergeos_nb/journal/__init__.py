"""The write-ahead journal of a run, and the run's state when the journal is read back."""
