"""All tests; how fast the host happens to be is no part of what they state."""

from hypothesis import settings

settings.register_profile("vcycle", deadline=None)
settings.load_profile("vcycle")
