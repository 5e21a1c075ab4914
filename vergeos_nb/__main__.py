"""Lets ``python -m vergeos_nb`` do what ``vergeos-nb`` does."""

from vergeos_nb.cli.main import main

if __name__ == "__main__":
    main()
