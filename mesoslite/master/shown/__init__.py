"""Shown: the master's books as readers see them: records beside the books, numbered, and packed as they change."""
