"""What the platform has, as data: typed rows, changing requests, filters. No I/O."""
