"""All records: sealed, chained, kept, found again and verified."""
