"""The naive way: the same flow as the tutorials of FastStream and SQLAlchemy would write it, and well.

Four programs with a handler for each topic: it is given one message, decoded and validated by FastStream, opens an ORM
session, reads and changes what the message is about, commits, and publishes what follows. The libraries are set as they
come. Only the way to an approval is written. Neither history nor outbox is kept: a program that ends between commit
and publish loses an event.
"""
