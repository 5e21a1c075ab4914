"""Whether an archive still is as it was sealed."""
