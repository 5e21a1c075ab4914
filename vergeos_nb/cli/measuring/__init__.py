"""Commands that find out how a platform behaves."""
