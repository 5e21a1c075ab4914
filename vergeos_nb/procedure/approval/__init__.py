"""What must hold before a changing request: the plan, a person's consent, the guards."""
