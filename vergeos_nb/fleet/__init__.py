"""Many VMs under one plan: who is meant, in which order, how many at once, and what to do after a death."""
