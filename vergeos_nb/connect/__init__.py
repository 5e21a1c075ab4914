"""Reach the system of a profile: the built-in simulator, the doctor, captures, drills."""
