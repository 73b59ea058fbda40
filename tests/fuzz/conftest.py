"""Hypothesis with the same examples in every run: a fuzz test that fails here fails everywhere."""

from hypothesis import HealthCheck, settings

FUZZ = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
