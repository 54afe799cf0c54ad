-- Audit trail (ASVS V16): an append-only table of security events. A hash chain reveals every change of this table.
--
-- The service can insert an event, but cannot read, change or delete one.
-- The schema's owner could drop the triggers below and then change events.
-- The hash chain reveals such changes, because its MAC key is not in the database (docs/security-events.md).
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- The ids of all master keys that the service has used.
-- The first replica with a new master key inserts the key's id and, in the same transaction, records a security event.
create table master_keys (
    id bytea primary key constraint master_keys_id_size check (octet_length(id) = 4),
    first_used_at timestamptz not null
);
grant select, insert on master_keys to strongroom_app;

-- No column contains text that a client chose (log injection, CWE-117).
-- There is no foreign key to users, because the events remain when a user is deleted.
create table security_events (
    id uuid primary key,
    -- The order in which events are sealed. A rollback leaves a gap, so a gap alone is no sign of an attack.
    seq bigint not null generated always as identity constraint security_events_seq unique,
    at timestamptz not null,
    kind text not null constraint security_events_kind_form check (kind ~ '^[a-z_]{1,40}$'),
    severity text not null constraint security_events_severity_known check (severity in ('info', 'warning', 'critical')),
    -- Distinguishes events of the same kind.
    reason text not null constraint security_events_reason_form check (reason ~ '^[a-z0-9_]{0,60}$'),
    replica text not null constraint security_events_replica_length check (char_length(replica) between 1 and 64),
    method text constraint security_events_method_length check (char_length(method) <= 10),
    -- The pattern of the route, for example /api/v1/invoices/{id}, because a path contains text that the client chose.
    route text constraint security_events_route_length check (char_length(route) <= 200),
    user_id uuid,
    session_id uuid,
    address text constraint security_events_address_length check (char_length(address) <= 45),
    request_id uuid,
    -- A keyed hash of the e-mail address in a login.
    subject text constraint security_events_subject_form check (subject ~ '^[0-9a-f]{16}$'),
    -- The object that the client requested. After the response, classify_object() finds its class.
    object_kind text constraint security_events_object_kind_form check (object_kind ~ '^[a-z_]{1,40}$'),
    object_id uuid,
    object_class text constraint security_events_object_class_known
        check (object_class in ('missing', 'foreign', 'own')),
    amount bigint,
    -- The id of the master key (4 bytes), then an HMAC-SHA256 over every column above except seq.
    mac bytea not null constraint security_events_mac_size check (octet_length(mac) = 36),
    constraint security_events_object_whole check ((object_kind is null) = (object_id is null))
);
-- With the included columns, admin_event_counts() reads only the index.
create index security_events_newest on security_events (at desc, id desc) include (kind, user_id, address, amount);
create index security_events_of_user on security_events (user_id, at desc, id desc) where user_id is not null;
-- Returns the network of an address, as in the detection rules: an IPv4 address, or an IPv6 /56 network.
create function network_of(address text) returns text
language sql immutable strict parallel safe
return case when address like '%:%' then host(network(set_masklen(address::inet, 56))) else address end;
grant execute on function network_of(text) to strongroom_app;
create index security_events_of_network on security_events (network_of(address), at desc, id desc)
where address is not null;
create index security_events_of_request on security_events (request_id) where request_id is not null;
-- Every column except seq, which PostgreSQL assigns.
grant insert (
    id, at, kind, severity, reason, replica, method, route, user_id, session_id, address, request_id, subject,
    object_kind, object_id, object_class, amount, mac
) on security_events to strongroom_app;

-- The hash chain. Each row is a seal: a MAC over the previous seal and over the MACs of a batch of events.
-- Without the key, an attacker cannot change, remove, add or reorder sealed events undetected.
-- The removal of the newest seals leaves a valid chain. But the service's log contains each seal.
create table security_event_seals (
    batch bigint primary key constraint security_event_seals_counted check (batch > 0),
    sealed_at timestamptz not null,
    -- The number of events up to this batch.
    events bigint not null,
    seqs bigint[] not null,
    -- The MACs of the events, 36 bytes each, in the order of seqs. They show which event was changed.
    macs bytea not null,
    previous bytea not null constraint security_event_seals_previous_size check (octet_length(previous) = 36),
    mac bytea not null constraint security_event_seals_mac_size check (octet_length(mac) = 36),
    constraint security_event_seals_whole
        check (cardinality(seqs) > 0 and octet_length(macs) = 36 * cardinality(seqs))
);
grant insert on security_event_seals to strongroom_app;

-- The events without a seal. A trigger inserts each event here.
-- A search for events after the last sealed event would miss an event that commits late. So this table is necessary.
create table security_events_unsealed (
    seq bigint primary key,
    -- The clock of the database sets this time, so the service cannot choose it.
    since timestamptz not null default now()
);
create function remember_unsealed() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into public.security_events_unsealed (seq) select added.seq from added;
    return null;
end
$$;
create trigger security_events_remember_unsealed after insert on security_events
    referencing new table as added for each statement execute function remember_unsealed();

-- Refuses UPDATE, DELETE and TRUNCATE to every role, including the schema's owner.
-- Only the command `strongroom audit archive` may delete: it sets app.archiving after it has written the archive.
-- This setting prevents mistakes, not attacks, because the schema's owner can change it too.
-- The command also records an event, which explains the gap in the chain.
-- An attacker cannot forge this event, because its MAC needs the master key.
create function refuse_to_change_events() returns trigger
language plpgsql set search_path = '' as $$
begin
    if tg_op = 'DELETE' and current_setting('app.archiving', true) = 'on' then
        return null;
    end if;
    raise exception '% on % is refused: security events are only added', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end
$$;
create trigger security_events_append_only before update or delete or truncate on security_events
    for each statement execute function refuse_to_change_events();
create trigger security_event_seals_append_only before update or delete or truncate on security_event_seals
    for each statement execute function refuse_to_change_events();

-- ALWAYS: an attacker could disable ordinary triggers by setting session_replication_role to replica.
alter table security_events enable always trigger security_events_remember_unsealed;
alter table security_events enable always trigger security_events_append_only;
alter table security_event_seals enable always trigger security_event_seals_append_only;

-- A process that writes seals locks the only row of this table, so that only one process writes seals at a time.
-- An advisory lock would be unsafe: an idle database session can keep it forever. A row lock ends with its transaction.
create table security_event_sealer (only_row boolean primary key default true check (only_row));
insert into security_event_sealer default values;

-- Removes the oldest events from security_events_unsealed, and returns their numbers and MACs.
-- `waits` decides whether the function waits while another transaction is sealing, or returns no events.
-- A null MAC means that the event was deleted before it was sealed.
create function take_unsealed_security_events(batch integer, waits boolean) returns table (seq bigint, mac bytea)
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
            where u.seq in (select w.seq from public.security_events_unsealed w order by w.seq limit batch)
            returning u.seq
        )
        select taken.seq, e.mac from taken left join public.security_events e on e.seq = taken.seq order by taken.seq;
end
$$;
grant execute on function take_unsealed_security_events(integer, boolean) to strongroom_app;

create function last_security_event_seal() returns table (batch bigint, events bigint, mac bytea)
language sql stable security definer set search_path = '' as $$
    select s.batch, s.events, s.mac from public.security_event_seals s order by s.batch desc limit 1;
$$;
grant execute on function last_security_event_seal() to strongroom_app;

-- For monitoring: returns the age of the oldest unsealed event, and how many of the ALWAYS triggers are missing or off.
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
grant execute on function security_event_seal_state() to strongroom_app;

-- Returns a page of the current owner's own events, newest first. The first page has no before_at.
create function own_security_events(kinds text[], before_at timestamptz, before_id uuid, page_size integer)
returns setof security_events
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
    return query
        select e.* from public.security_events e
        where e.user_id = public.current_owner() and e.kind = any(kinds)
          and (before_at is null or (e.at, e.id) < (before_at, before_id))
        order by e.at desc, e.id desc limit page_size;
end
$$;
grant execute on function own_security_events(text[], timestamptz, uuid, integer) to strongroom_app;

-- Returns a page of all events to an administrator, newest first. A null filter matches every event.
create function admin_security_events(
    admin uuid, kinds text[], severities text[], of_user uuid, of_network text, since timestamptz, until timestamptz,
    before_at timestamptz, before_id uuid, page_size integer
)
returns setof security_events
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
    if not public.is_active_admin(admin) then
        raise exception 'only an active administrator reads the events of others' using errcode = 'insufficient_privilege';
    end if;
    return query
        select e.* from public.security_events e
        where (kinds is null or e.kind = any(kinds)) and (severities is null or e.severity = any(severities))
          and (of_user is null or e.user_id = of_user) and (of_network is null or public.network_of(e.address) = of_network)
          and (since is null or e.at >= since) and (until is null or e.at < until)
          and (before_at is null or (e.at, e.id) < (before_at, before_id))
        order by e.at desc, e.id desc limit page_size;
end
$$;
grant execute on function admin_security_events(
    uuid, text[], text[], uuid, text, timestamptz, timestamptz, timestamptz, uuid, integer
) to strongroom_app;

-- Counts the events since a time, by kind and by interval of bucket_seconds.
-- Also counts the events of alarming_kinds, for the ten networks and the ten users that have the most of these events.
-- The list `rows` contains how many rows of the table were counted.
-- Returns no rows if the caller is not an active administrator.
--
-- Unrestricted resource consumption (CWE-770): the function reads only the newest max_rows events, and only an index.
create function admin_event_counts(
    admin uuid, since timestamptz, bucket_seconds integer, alarming_kinds text[], max_rows bigint
)
returns table (list text, name text, user_id uuid, bucket integer, events bigint)
language sql stable security definer set search_path = '' as $$
    with counted as (
        select e.kind, e.user_id, e.address,
            date_bin(make_interval(secs => bucket_seconds), e.at, since) as bucket,
            -- A row with an amount stands for several events. The amount of a sys_ event has another meaning.
            case when e.kind like 'sys\_%' then 1 else coalesce(e.amount, 1) end as events
        from public.security_events e
        where e.at >= since and public.is_active_admin(admin)
        order by e.at desc limit max_rows
    ),
    networks as (
        select public.network_of(c.address) as network, sum(c.events)::bigint as events
        from counted c where c.kind = any(alarming_kinds) and c.address is not null
        group by 1 order by 2 desc, 1 limit 10
    ),
    accounts as (
        select c.user_id, sum(c.events)::bigint as events
        from counted c where c.kind = any(alarming_kinds) and c.user_id is not null
        group by 1 order by 2 desc, 1 limit 10
    )
    select
        'kind', c.kind, null::uuid, extract(epoch from c.bucket - since)::integer / bucket_seconds, sum(c.events)::bigint
    from counted c group by c.kind, c.bucket
    union all
    select 'network', n.network, null, null, n.events from networks n
    union all
    select 'user', u.email, a.user_id, null, a.events from accounts a left join public.users u on u.id = a.user_id
    union all
    select 'rows', null, null, null, count(*) from counted having public.is_active_admin(admin)
    order by 5 desc, 2
$$;
grant execute on function admin_event_counts(uuid, timestamptz, integer, text[], bigint) to strongroom_app;
