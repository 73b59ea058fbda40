"""Measurements, on real embedded servers. Timings live here and never in a test's assertion."""
