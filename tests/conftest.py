"""What every test shares: property tests draw the same examples each time and have no stopwatch."""

from hypothesis import settings

settings.register_profile("house", derandomize=True, deadline=None)
settings.load_profile("house")
