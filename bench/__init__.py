"""Measurements, on real embedded servers. Timings live here and never in a test's assertion."""

NOTHING_SENT = "smtp://127.0.0.1:9"  # nobody listens: mails wait for a server that is away
MAILS_EACH = 3  # one that asks to confirm, and one each to customer and partner at the end
