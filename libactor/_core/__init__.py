"""The core of libactor: what runs once per message, in readable Python and in C.

Imports the standard library only. Who may import it: the modules of libactor beside it; users import `libactor`.
"""
