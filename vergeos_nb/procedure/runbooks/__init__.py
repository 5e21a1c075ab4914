"""Which steps each runbook has, in which order, and the catalog of all runbooks."""
