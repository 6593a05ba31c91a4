"""Supervision: actors that start others, in order, start them anew when they fail, and stop them in order.

restarts.py and plan.py decide, without clock and actors; child.py is what users write; supervisor.py acts.
"""
