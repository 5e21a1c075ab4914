"""What stays: the journal of a run while it happens, and the record made of it when it has ended."""
