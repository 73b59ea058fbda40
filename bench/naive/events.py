"""The events as FastStream hands them to a handler: it has read the JSON already, so ids and times are text."""

from shared import events


class AccountUpdated(events.AccountUpdated, strict=False):
    pass


class RegistrationRequested(events.RegistrationRequested, strict=False):
    pass


class RegistrationOpened(events.RegistrationOpened, strict=False):
    pass


class CustomerConfirmed(events.CustomerConfirmed, strict=False):
    pass


class VngApproved(events.VngApproved, strict=False):
    pass


class RegistrationApproved(events.RegistrationApproved, strict=False):
    pass
