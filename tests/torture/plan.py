"""What a campaign is to do: who dies where and when, under which load. The seed decides all that is drawn."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from checker import Rules
from tests.torture.load import Fate
from tests.torture.points import Crash


@dataclass(frozen=True, slots=True)
class Death:
    """`member`: the service comes with its name in the group, so its partitions are given back to it at once."""

    crash: Crash
    member: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """`deaths` are those of each service, in order; a plan lasts `seconds`, and until all `deaths` there are have been
    died. `rate`: registrations a second; `window`: how many may be under way. `pause`: seconds between disturbances.
    `defects`: by service. `patience`: seconds after which what nothing moves any more is lost."""

    seed: int
    deaths: Mapping[str, Iterable[Death]]
    mix: dict[Fate, float]
    seconds: float = 0.0
    rate: int = 50
    window: int = 5000
    valid_for: timedelta = timedelta(seconds=60)
    remind_before: timedelta = timedelta(seconds=20)
    claim_for: timedelta = timedelta(seconds=8)
    pause: tuple[float, float] = (2.0, 5.0)
    patience: float = 70.0
    defects: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, str]:
        return {
            "REVIEW_MAIL_TO": "reviews@vng.example",
            "MAIL_FROM": "registration@vngcloud.example",
            "LINK_SECRET": "a key for links of tests",
            "OIDC_ISSUER": "http://127.0.0.1:1",
            "OIDC_CLIENT_ID": "torture",
            "OIDC_CLIENT_SECRET": "a secret of the client",
            "CONFIRMATION_VALID_FOR": _iso(self.valid_for),
            "REMINDERS_BEFORE": _iso(self.remind_before),
            "MAIL_CLAIM_FOR": _iso(self.claim_for),
            "MAIL_RETRY_FIRST": "PT1S",
            "OPEN_LIMIT": "1000000",
            "WITHDRAWAL_LIMIT": "1000000",
        }

    def rules(self) -> Rules:
        return Rules(
            confirmation_valid_for=self.valid_for,
            reminders_before=(self.remind_before,),
            reminders_apart=timedelta(),
            open_limit=1_000_000,
            review_mail_to=("reviews@vng.example",),
        )


def _iso(duration: timedelta) -> str:
    return f"PT{duration.total_seconds():g}S"


def endless(name: str, points: tuple[str, ...], seed: int) -> Iterator[Death]:
    """A service's deaths: its points in ever new orders, early and late in its life."""
    chance = Random(f"{seed} {name}")
    while True:
        for point in chance.sample(points, len(points)):
            after = 0.0 if chance.random() < 0.2 else chance.uniform(2, 12)
            yield Death(Crash(point, chance.randint(1, 20), after), member=chance.random() < 0.75)
