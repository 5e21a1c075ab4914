"""Values of the procedure: results, tables, plans, and the protocols of the rooms around it."""
