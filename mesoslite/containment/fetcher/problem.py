"""Problem: why something cannot be fetched, in words for whoever wrote the URI."""

# Who calls: all of this program.


class Problem(Exception):
    """What is wrong, as the end of a sentence."""


class TooLarge(Problem):
    """It is more than there is room for."""
