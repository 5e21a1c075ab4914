"""Many VMs under one plan: which VMs, in which order, how many at once, and how to resume after a crash."""
