"""``python -m vergeos_nb`` is ``vergeos-nb``."""

from vergeos_nb.cli.main import main

if __name__ == "__main__":
    main()
