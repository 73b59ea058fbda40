"""Hypothesis, for tests of pure code on machines of any speed."""

from hypothesis import settings

settings.register_profile("domain", deadline=None)  # a loaded machine is no failure
settings.load_profile("domain")
