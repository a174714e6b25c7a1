"""The command `reverie`.

`app` reads the words of a command line and calls one function, each in a file of its own; a function here asks the
library, and prints. Results go to standard output, everything else to standard error. JAX is imported by the functions,
never at the top of a file, so that `--help` answers at once.

Exit codes: 0 all went well; 1 a fault of Reverie; 2 the input was at fault, which one line says; 130 and 143
interrupted, by Ctrl-C and by SIGTERM.
"""

from reverie.cli.app import main

__all__ = ["main"]
