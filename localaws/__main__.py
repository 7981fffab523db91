"""`python -m localaws --port P --state DIR`: the embedded AWS as a process."""

from localaws.server import main

if __name__ == "__main__":
    main()
