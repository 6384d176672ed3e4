"""`python -m dynlearn`: the command line."""

from dynlearn.cli import main

if __name__ == "__main__":
    main()
