"""From a profile to a system that answers: the built-in simulator, the doctor, the drills."""
