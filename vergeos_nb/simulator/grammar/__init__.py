"""The query language of the API: filters, field lists, and how values compare."""
