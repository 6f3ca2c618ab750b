"""`python -m fwibench`."""

from fwibench.cli.app import main

if __name__ == "__main__":
    main()
