"""Tests of the registry: what operations come to, what storages keep, and the actor between them."""
