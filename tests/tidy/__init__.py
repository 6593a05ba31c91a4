"""Tests of the source itself: the rules of the tree, each a module that says its rule and why we have it."""
