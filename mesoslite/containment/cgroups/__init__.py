"""Control groups of this machine, of version 1 and 2."""
