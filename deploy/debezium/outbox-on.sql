-- From now on the outbox of a service is published from PostgreSQL's log, no longer by the service's relay:
--
--   psql -v ON_ERROR_STOP=1 -v service=registrar -v password="$OUTBOX_READER_PASSWORD" -f outbox-on.sql "$DATABASE_URL"
--
-- Run by the owner of the service's schema, who may make roles. The log must hold what logical decoding needs
-- (wal_level=logical). Can be run again.

begin;
set local client_min_messages = warning;

select 'create role outbox_reader login replication'
where not exists (select from pg_roles where rolname = 'outbox_reader') \gexec
alter role outbox_reader password :'password';
grant usage on schema :"service" to outbox_reader;
grant select on :"service".outbox to outbox_reader;

select format('create publication %I for table %I.outbox with (publish = ''insert'')', 'outbox_' || :'service', :'service')
where not exists (select from pg_publication where pubname = 'outbox_' || :'service') \gexec

commit;

-- From here on the log is kept for the connector, before the first row leaves the outbox. Known to the standby that takes
-- over, where there is one. In no transaction: PostgreSQL makes no slot in one that has written.
select pg_create_logical_replication_slot('outbox_' || :'service', 'pgoutput', false, false, true)
where not exists (select from pg_replication_slots where slot_name = 'outbox_' || :'service');

begin;
set local client_min_messages = warning;

-- A row leaves the outbox in the transaction that wrote it, so that the relay finds none, and is kept here: should the
-- slot be lost, what it still owed is not.
create table if not exists :"service".outbox_kept (like :"service".outbox);
create index if not exists outbox_kept_occurred_at_idx on :"service".outbox_kept (occurred_at);

create or replace function :"service".keep_outbox() returns trigger
language plpgsql security definer set search_path = :"service", pg_temp as $$
begin
    insert into outbox_kept select * from written;
    delete from outbox using written where outbox.position = written.position;
    return null;
end
$$;

create or replace trigger keep_outbox after insert on :"service".outbox
referencing new table as written for each statement execute function :"service".keep_outbox();

commit;
