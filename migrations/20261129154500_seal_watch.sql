-- Sealing that stops is noticed, and a session that holds it up can be found and ended (security/log/seals.rs).
-- The function has no other clients: the service calls its successor.
-- squawk-ignore-file ban-drop-function
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- The sealer's lock is a row. Any session could hold an advisory lock, idle and for ever. A row stays locked only while a
-- transaction is open, and pg_locks names it.
create table security_event_sealer (only_row boolean primary key default true check (only_row));
insert into security_event_sealer default values;

-- By the database's clock, which the service cannot set.
alter table security_events_unsealed add column since timestamptz not null default now();

-- Takes the oldest rows that wait for a seal. If another transaction seals at the moment, it waits for that one or takes none.
-- A null MAC: the row was deleted before it was sealed.
drop function take_unsealed_security_events(integer);
create function take_unsealed_security_events(most integer, waits boolean) returns table (seq bigint, mac bytea)
language plpgsql security definer set search_path = '' as $$
begin
    if waits then
        perform from public.security_event_sealer for update;
    else
        perform from public.security_event_sealer for update skip locked;
        if not found then
            return;
        end if;
    end if;
    return query
        with taken as (
            delete from public.security_events_unsealed u
            where u.seq in (select w.seq from public.security_events_unsealed w order by w.seq limit most)
            returning u.seq
        )
        select taken.seq, e.mac from taken left join public.security_events e on e.seq = taken.seq order by taken.seq;
end
$$;
revoke all on function take_unsealed_security_events(integer, boolean) from public;
grant execute on function take_unsealed_security_events(integer, boolean) to strongroom_app;

-- Fires in each session, also where session_replication_role is replica.
alter table security_events enable always trigger security_events_remember_unsealed;
alter table security_events enable always trigger security_events_append_only;
alter table security_event_seals enable always trigger security_event_seals_append_only;

-- The age of the row that has waited longest for its seal, and how many of the triggers above are missing or disabled.
create function security_event_seal_state() returns table (oldest_seconds double precision, triggers_missing bigint)
language sql stable security definer set search_path = '' as $$
    select
        coalesce(
            (select extract(epoch from clock_timestamp() - u.since)
             from public.security_events_unsealed u order by u.seq limit 1), 0
        )::double precision,
        3 - (
            select count(*) from pg_catalog.pg_trigger t
            where t.tgenabled = 'A' and (t.tgrelid, t.tgname) in (
                ('public.security_events'::regclass, 'security_events_remember_unsealed'),
                ('public.security_events'::regclass, 'security_events_append_only'),
                ('public.security_event_seals'::regclass, 'security_event_seals_append_only')
            )
        )
$$;
revoke all on function security_event_seal_state() from public;
grant execute on function security_event_seal_state() to strongroom_app;
