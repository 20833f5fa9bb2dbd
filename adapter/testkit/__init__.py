"""The outside world in a box: scenarios, a player that speaks HTTP only, and simulated partner organisations.

Nothing here looks inside the adapter: what holds in a scenario holds for a real partner on the wire.
"""
