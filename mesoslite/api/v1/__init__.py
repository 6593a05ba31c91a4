"""Documents of the operator API that show what a master knows, made of a View, and its events.

Who calls: the calls of shown_calls.py, and what streams events.
"""
