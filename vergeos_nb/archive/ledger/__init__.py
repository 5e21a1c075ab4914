"""The ledger: a file with one line per sealed record, each with the hash of the line before."""
