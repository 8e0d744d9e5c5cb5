"""``python -m twinmatch``."""

from twinmatch.cli import main

if __name__ == "__main__":
    main()
