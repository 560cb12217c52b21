"""Fetching and keeping images, as decisions: what to ask, what an answer means, what to keep."""
