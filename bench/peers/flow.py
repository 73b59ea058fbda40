"""What is the same on every engine: the decision, and how a step tells the driver that somebody is asked for an answer.

A step tells where the real one would queue a mail or show a case: one line, `STEP REGISTRATION_ID ANSWER_TO`, written
whole into a named pipe, for which no engine pays more than another.
"""

import os
from functools import cache
from typing import Any

Facts = dict[str, Any]

FACTS: Facts = {
    "email": "customer@example.com",
    "account_id": "vng-1",
    "holder_name": "Nguyễn Văn An",
    "billing": "prepaid",
    "credit_balance": 0,
    "active_services": 0,
    "active_discounts": 0,
    "in_poc": False,
    "vng_customer": False,
}


def failing_codes(facts: Facts) -> list[str]:
    """Why this account may not be registered; empty if it may."""
    checks = {
        "has_credit": facts["credit_balance"] != 0,
        "uses_services": facts["active_services"] > 0,
        "has_discounts": facts["active_discounts"] > 0,
        "in_poc": facts["in_poc"],
        "not_prepaid": facts["billing"] != "prepaid",
    }
    return [code for code, failed in checks.items() if failed]


@cache
def opened(pipe: str) -> int:
    """The descriptor of the named pipe, which stays open. For both ways: who opens it first does not wait."""
    return os.open(pipe, os.O_RDWR)


def tell(pipe: str, step: str, registration_id: str, answer_to: str = "-") -> None:
    os.write(opened(pipe), f"{step} {registration_id} {answer_to}\n".encode())
