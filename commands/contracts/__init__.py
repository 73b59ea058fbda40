"""The contract as others use it: JSON Schemas and an AsyncAPI document, both made from `shared/events.py` and
`shared/topics.py`, what may change of them within `v1`, and a check of events that others write.
"""
