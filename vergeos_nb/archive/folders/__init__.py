"""The archive's folders as they are on disk: records, lost ledgers, and whether sealing is possible."""
