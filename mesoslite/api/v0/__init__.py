"""Documents of the unversioned endpoints that show what a master knows, made of a View.

Who calls: the endpoints of master_reads.py. Each module has one document, or a few that have their parts in common.
"""
