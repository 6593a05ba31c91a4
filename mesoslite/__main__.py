"""`python -m mesoslite`: the command `mesoslite`, for where it is not in the search path."""

from mesoslite.cli.main import main

if __name__ == "__main__":
    main()
