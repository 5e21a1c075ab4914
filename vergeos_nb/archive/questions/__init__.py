"""The archive as rows and DataFrames, for questions over years. Reads records only as they were sealed."""
