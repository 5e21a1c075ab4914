"""The machines of the imitated system, and how their processes start and end."""
