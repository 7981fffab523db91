"""`python -m sqlitevault` is the `sqlitevault` command."""

from sqlitevault.cli import main

if __name__ == "__main__":
    main()
