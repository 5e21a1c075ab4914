"""From readings to a verdict: the vote of each witness, and the one rule that combines the votes."""
