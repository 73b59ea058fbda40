"""The floor: what the same flow costs where nothing is kept but what must be.

Four programs with bare aiokafka and asyncpg read and write the same messages on the same topics, and keep the same
rows, in batches as large as ours and with producers set like ours; mails and pages are as large as ours and go through
the same libraries. They have no framework, validation, templates, outbox, history, locks, search or indexes beside the
primary keys, and a message that comes again would break them: nobody could run them, and nothing that promises more can
cost less.
"""
