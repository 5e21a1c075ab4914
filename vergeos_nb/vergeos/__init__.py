"""The platform's own nouns as data: typed rows, changing requests, filters. No I/O."""
