"""`python -m alexnet` is the command `alexnet`."""

from alexnet.cli.main import main

main()
