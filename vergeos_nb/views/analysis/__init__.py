"""Everything that a run has read, as DataFrames for further analysis."""
