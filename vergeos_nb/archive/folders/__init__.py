"""The archive's folders on disk: finds records, detects a lost ledger, tries whether sealing is possible."""
