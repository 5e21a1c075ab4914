"""The machines of the imitated system, and how they live and die."""
