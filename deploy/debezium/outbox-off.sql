-- The service's relay publishes again. What was written before is still the connector's: stop it once it has read all,
-- then drop its slot, or PostgreSQL keeps its log for ever:
--
--   psql -v ON_ERROR_STOP=1 -v service=registrar -f outbox-off.sql "$DATABASE_URL"
--   select pg_drop_replication_slot('outbox_registrar')

drop trigger if exists keep_outbox on :"service".outbox;
