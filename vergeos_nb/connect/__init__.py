"""From a profile to a system that answers: the simulator standing in, the doctor, the drills."""
