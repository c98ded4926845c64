"""``python -m vidqa``: the same as the ``vidqa`` command."""

from vidqa.cli.main import main

if __name__ == "__main__":
    main()
