"""The client: one VergeOS system over HTTPS. `verge_api` has its methods, `transport` sends."""
