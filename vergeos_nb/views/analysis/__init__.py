"""Everything that a run has read, as DataFrames to go on from."""
