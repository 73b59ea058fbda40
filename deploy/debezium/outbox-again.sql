-- Publishes once more what a service has told since a time, with the same ids: after a replication slot was lost, or the
-- database was set back. Who has read a record already does nothing.
--
--   psql -v ON_ERROR_STOP=1 -v service=registrar -v since="2026-07-01T09:00:00Z" -f outbox-again.sql "$DATABASE_URL"

begin;

create temporary table again on commit drop as
select * from :"service".outbox_kept where occurred_at >= :'since'::timestamptz;
delete from :"service".outbox_kept where position in (select again.position from again);
insert into :"service".outbox (id, aggregatetype, aggregateid, type, topic, payload, headers, occurred_at)
select id, aggregatetype, aggregateid, type, topic, payload, headers, occurred_at from again order by again.position;

commit;
