"""From readings to a verdict: what each witness votes, and the one rule that combines the votes."""
