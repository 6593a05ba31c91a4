"""Isolators: each bounds, parts or measures containers in one respect; one small file each."""
