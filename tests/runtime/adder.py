"""Adder: what the actors that tests call from another host have in common."""

import libactor as la


class Adder(la.Actor):
    """Adds up."""

    def __init__(self, id="counter"):
        super().__init__(id)
        self.n = 0

    @la.remote
    def add(self, k):
        self.n += k
        return self.n
