"""The client: one VergeOS system over HTTPS. `verge_api` is its face, and `transport` sends every request."""
