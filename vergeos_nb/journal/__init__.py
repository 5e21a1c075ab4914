"""The write-ahead journal of a run, and what it says of the run when it is read back."""
