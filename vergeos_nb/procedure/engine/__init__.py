"""Runs the steps in order, once each, and writes each result down."""
