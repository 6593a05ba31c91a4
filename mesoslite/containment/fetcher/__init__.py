"""The fetcher: a program that fills one sandbox, or one file of the cache, and ends."""
