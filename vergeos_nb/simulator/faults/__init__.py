"""What can be made to go wrong, as data."""
