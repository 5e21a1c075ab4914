"""Whether an archive is unchanged since it was sealed."""
