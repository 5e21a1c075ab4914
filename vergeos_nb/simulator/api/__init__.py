"""What a request does and what it is answered."""
