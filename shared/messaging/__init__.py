"""Events in and out of a service: at least once between services, exactly once in each database.

Read in this order: `consumer` (from Kafka), `batch` (into the database), `outbox` and `relay` (back to Kafka).
"""
