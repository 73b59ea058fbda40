"""Who may do what: every route of every service, for everybody who may come to it.

A cell is what the service answers, on a registration of the partner in that column:

    acts      something has changed
    reads     200, and the customer's address is on the page; nothing has changed
    sign-in   leads to sign-in
    a number  that status; the customer's address is not told, and nothing has changed

`customer` holds the link of the mail; whoever else comes to a link knows the registration's id, and has made up the
rest. `stranger` is another partner's staff. `given` is how the case stands: open, claimed by another reviewer, or with
an account that no longer meets the conditions; `override`: the same, and the form gives a reason to approve all the
same; `record`: it is in quarantine, by a fault that is mended. No sign-in provider answers here (503), nor does Kafka:
nothing is ready (503).
"""

from collections.abc import Iterator
from dataclasses import dataclass

WHO = ("nobody", "customer", "partner", "stranger", "reviewer", "admin")

TABLE = """
service    method  address                                     given       nobody   customer partner  stranger reviewer admin
every      GET     /livez                                      open        200      200      200      200      200      200
every      GET     /readyz                                     open        503      503      503      503      503      503
every      GET     /metrics                                    open        200      200      200      200      200      200
pages      GET     /static                                     open        200      200      200      200      200      200
pages      POST    /language                                   open        303      303      303      303      303      303
signed     GET     /                                           open        303      303      303      303      303      303
signed     GET     /auth/sign-in                               open        503      503      503      503      503      503
signed     GET     /auth/callback                              open        400      400      400      400      400      400
signed     POST    /auth/sign-out                              open        303      303      303      303      303      303
signed     GET     /auth/signed-out                            open        200      200      200      200      200      200
signed     GET     /auth/signed-in                             open        200      200      200      200      200      200

notifier   GET     /confirmations/{token}                      open        404      reads    404      404      404      404
notifier   POST    /confirmations/{token}/confirm              open        404      acts     404      404      404      404
notifier   POST    /confirmations/{token}/decline              open        404      acts     404      404      404      404
notifier   GET     /confirmations/{token}/{answer:str}         open        404      303      404      404      404      404
notifier   GET     /confirmations{rest:path}                   open        404      404      404      404      404      404
notifier   POST    /confirmations{rest:path}                   open        404      404      404      404      404      404

portal     GET     /accounts                                   open        sign-in  sign-in  reads    200      403      403
portal     POST    /accounts                                   open        401      401      acts     acts     403      403
portal     GET     /accounts/add                               open        sign-in  sign-in  200      200      403      403
portal     GET     /accounts/changes                           open        sign-in  sign-in  200      200      403      403
portal     GET     /accounts/export.csv                        open        sign-in  sign-in  reads    200      403      403
portal     GET     /accounts/export.xlsx                       open        sign-in  sign-in  reads    200      403      403
portal     GET     /accounts/{registration_id}                 open        sign-in  sign-in  reads    404      403      403
portal     POST    /accounts/{registration_id}/resend          open        401      401      acts     404      403      403
portal     POST    /accounts/{registration_id}/withdraw        open        401      401      acts     404      403      403

approver   GET     /cases                                      open        sign-in  sign-in  403      403      reads    reads
approver   GET     /cases/changes                              open        sign-in  sign-in  403      403      200      200
approver   POST    /cases/approve                              open        401      401      403      403      acts     acts
approver   POST    /cases/approve                              claimed     401      401      403      403      reads    acts
approver   POST    /cases/approve                              ineligible  401      401      403      403      reads    reads
approver   GET     /cases/approve                              open        303      303      303      303      303      303
approver   GET     /cases/{registration_id}                    open        sign-in  sign-in  403      403      reads    reads
approver   GET     /cases/{registration_id}/news               open        sign-in  sign-in  403      403      reads    reads
approver   GET     /cases/{registration_id}/changes            open        sign-in  sign-in  403      403      200      200
approver   POST    /cases/{registration_id}/claim              open        401      401      403      403      acts     acts
approver   POST    /cases/{registration_id}/claim              claimed     401      401      403      403      409      acts
approver   POST    /cases/{registration_id}/release            open        401      401      403      403      303      303
approver   POST    /cases/{registration_id}/release            claimed     401      401      403      403      409      acts
approver   POST    /cases/{registration_id}/approve            open        401      401      403      403      acts     acts
approver   POST    /cases/{registration_id}/approve            claimed     401      401      403      403      409      acts
approver   POST    /cases/{registration_id}/approve            ineligible  401      401      403      403      422      422
approver   POST    /cases/{registration_id}/approve            override    401      401      403      403      acts     acts
approver   POST    /cases/{registration_id}/reject             open        401      401      403      403      acts     acts
approver   POST    /cases/{registration_id}/reject             claimed     401      401      403      403      409      acts
approver   POST    /cases/{registration_id}/preview            open        401      401      403      403      reads    reads
approver   GET     /cases/{registration_id}/claim              open        sign-in  sign-in  403      403      303      303
approver   GET     /cases/{registration_id}/release            open        sign-in  sign-in  403      403      303      303
approver   GET     /cases/{registration_id}/approve            open        sign-in  sign-in  403      403      303      303
approver   GET     /cases/{registration_id}/reject             open        sign-in  sign-in  403      403      303      303
approver   GET     /cases/{registration_id}/preview            open        sign-in  sign-in  403      403      303      303
approver   GET     /quarantine                                 record      sign-in  sign-in  403      403      200      200
approver   GET     /quarantine/{number}                        record      sign-in  sign-in  403      403      reads    reads
approver   POST    /quarantine/{number}/replay                 record      401      401      403      403      403      acts
approver   POST    /quarantine/{number}/discard                record      401      401      403      403      403      acts
approver   GET     /quarantine/{number}/replay                 record      sign-in  sign-in  403      403      303      303
approver   GET     /quarantine/{number}/discard                record      sign-in  sign-in  403      403      303      303
"""  # noqa: E501  # a table

SEVERAL = {
    "every": ("registrar", "notifier", "approver", "portal"),
    "pages": ("notifier", "approver", "portal"),
    "signed": ("approver", "portal"),
}


@dataclass(frozen=True)
class Action:
    service: str
    method: str
    route: str
    given: str
    expected: dict[str, str]

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.route} {self.given}"


def _actions() -> Iterator[Action]:
    head, *lines = (line.split() for line in TABLE.splitlines() if line.strip())
    assert tuple(head[4:]) == WHO
    for group, method, route, given, *cells in lines:
        for service in SEVERAL.get(group, (group,)):
            yield Action(service, method, route, given, dict(zip(WHO, cells, strict=True)))


ACTIONS = tuple(_actions())
CELLS = [(action, who) for action in ACTIONS for who in WHO]
CHANGING = [it for it in ACTIONS if it.method == "POST" and "acts" in it.expected.values()]
