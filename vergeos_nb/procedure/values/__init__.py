"""What the procedure passes on: results, tables, plans, and the protocols of the rooms around it."""
