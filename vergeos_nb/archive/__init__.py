"""All records: sealed, chained in the ledger, searched, retained and verified."""
