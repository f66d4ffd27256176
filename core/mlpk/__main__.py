"""`python -m mlpk`: the command line."""

from mlpk.cli import main

main()
