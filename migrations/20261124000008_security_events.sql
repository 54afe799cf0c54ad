-- Security events that last: the service can add one and do nothing else with any of them, and what somebody above it
-- changes shows (docs/security-events.md).
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- No reference to users: an erased user must not take events with him, nor break a seal. Nothing here is typed-in text.
create table security_events (
    id uuid primary key,
    -- The order in which rows came, for seals. Gaps mean nothing: a transaction that was rolled back leaves one.
    seq bigint not null generated always as identity constraint security_events_seq unique,
    at timestamptz not null,
    kind text not null constraint security_events_kind_form check (kind ~ '^[a-z_]{1,40}$'),
    severity text not null constraint security_events_severity_known check (severity in ('info', 'warning', 'critical')),
    -- A fixed word of the service's that tells like events apart.
    reason text not null constraint security_events_reason_form check (reason ~ '^[a-z0-9_]{0,60}$'),
    replica text not null constraint security_events_replica_length check (char_length(replica) between 1 and 64),
    method text constraint security_events_method_length check (char_length(method) <= 10),
    -- As it stands in the table of routes, never as it was typed.
    route text constraint security_events_route_length check (char_length(route) <= 200),
    user_id uuid,
    session_id uuid,
    address text constraint security_events_address_length check (char_length(address) <= 45),
    request_id uuid,
    -- The keyed hash of what was typed in.
    subject text constraint security_events_subject_form check (subject ~ '^[0-9a-f]{16}$'),
    -- The object that was asked for; whose it is, is found out after the reply.
    object_kind text constraint security_events_object_kind_form check (object_kind ~ '^[a-z_]{1,40}$'),
    object_id uuid,
    object_class text constraint security_events_object_class_known
        check (object_class in ('missing', 'foreign', 'own')),
    amount bigint,
    -- HMAC-SHA256 over everything above but seq, with a key that the database does not know.
    mac bytea not null constraint security_events_mac_size check (octet_length(mac) = 32),
    constraint security_events_object_whole check ((object_kind is null) = (object_id is null))
);
create index security_events_newest on security_events (at desc, id desc);
create index security_events_of_user on security_events (user_id, at desc, id desc) where user_id is not null;
create index security_events_of_address on security_events (address, at desc, id desc) where address is not null;
create index security_events_of_request on security_events (request_id) where request_id is not null;
-- Not seq: the database gives it.
grant insert (
    id, at, kind, severity, reason, replica, method, route, user_id, session_id, address, request_id, subject,
    object_kind, object_id, object_class, amount, mac
) on security_events to strongroom_app;

-- What is not sealed yet. A row comes here in the transaction of its event, so that one which commits late is only sealed
-- later; the service itself cannot touch this table.
create table security_events_unsealed (seq bigint primary key);
create function remember_unsealed() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into public.security_events_unsealed (seq) select added.seq from added;
    return null;
end
$$;
revoke all on function remember_unsealed() from public;
create trigger security_events_remember_unsealed after insert on security_events
    referencing new table as added for each statement execute function remember_unsealed();

-- One batch of rows that nobody can change, take out, add to or reorder any more without the key: each seal is a MAC over
-- the one before it and over its rows' MACs. Only the newest can be cut off unseen; for that its head goes out with the log.
create table security_event_seals (
    batch bigint primary key constraint security_event_seals_counted check (batch > 0),
    sealed_at timestamptz not null,
    -- Rows sealed until now, with these.
    events bigint not null,
    seqs bigint[] not null,
    -- Their MACs, 32 bytes each, in the same order: so that verify can say which row it was.
    macs bytea not null,
    previous bytea not null constraint security_event_seals_previous_size check (octet_length(previous) = 32),
    mac bytea not null constraint security_event_seals_mac_size check (octet_length(mac) = 32),
    constraint security_event_seals_whole
        check (cardinality(seqs) > 0 and octet_length(macs) = 32 * cardinality(seqs))
);
grant insert on security_event_seals to strongroom_app;

-- For everybody, the schema's owner too. He can take the trigger away: that is what the seals are for.
create function refuse_to_change_events() returns trigger
language plpgsql set search_path = '' as $$
begin
    raise exception '% on % is refused: security events are only added', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end
$$;
create trigger security_events_append_only before update or delete or truncate on security_events
    for each statement execute function refuse_to_change_events();
create trigger security_event_seals_append_only before update or delete or truncate on security_event_seals
    for each statement execute function refuse_to_change_events();

-- Takes the oldest rows that wait for a seal, for whoever holds the sealers' lock and seals them in this transaction.
create function take_unsealed_security_events(most integer) returns table (seq bigint, mac bytea)
language sql security definer set search_path = '' as $$
    with taken as (
        delete from public.security_events_unsealed
        where seq in (select seq from public.security_events_unsealed order by seq limit most)
        returning seq
    )
    select e.seq, e.mac from taken join public.security_events e on e.seq = taken.seq order by e.seq;
$$;
revoke all on function take_unsealed_security_events(integer) from public;
grant execute on function take_unsealed_security_events(integer) to strongroom_app;

create function last_security_event_seal() returns table (batch bigint, events bigint, mac bytea)
language sql stable security definer set search_path = '' as $$
    select s.batch, s.events, s.mac from public.security_event_seals s order by s.batch desc limit 1;
$$;
revoke all on function last_security_event_seal() from public;
grant execute on function last_security_event_seal() to strongroom_app;

-- What a user reads of his own, newest first, before this place if one is named.
create function own_security_events(kinds text[], before_at timestamptz, before_id uuid, most integer)
returns setof security_events
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
    return query
        select e.* from public.security_events e
        where e.user_id = public.current_owner() and e.kind = any(kinds)
          and (before_at is null or (e.at, e.id) < (before_at, before_id))
        order by e.at desc, e.id desc limit most;
end
$$;
revoke all on function own_security_events(text[], timestamptz, uuid, integer) from public;
grant execute on function own_security_events(text[], timestamptz, uuid, integer) to strongroom_app;

-- What an administrator reads. That he is one, and may be one, is asked here once more: a service that forgot would be
-- refused. A filter that is null filters nothing.
create function admin_security_events(
    admin uuid, kinds text[], severities text[], of_user uuid, of_address text, since timestamptz, until timestamptz,
    before_at timestamptz, before_id uuid, most integer
)
returns setof security_events
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
    if not exists (
        select from public.users u where u.id = admin and u.role = 'admin' and u.status = 'active'
    ) then
        raise exception 'only an active administrator reads the events of others' using errcode = 'insufficient_privilege';
    end if;
    return query
        select e.* from public.security_events e
        where (kinds is null or e.kind = any(kinds)) and (severities is null or e.severity = any(severities))
          and (of_user is null or e.user_id = of_user) and (of_address is null or e.address = of_address)
          and (since is null or e.at >= since) and (until is null or e.at < until)
          and (before_at is null or (e.at, e.id) < (before_at, before_id))
        order by e.at desc, e.id desc limit most;
end
$$;
revoke all on function admin_security_events(
    uuid, text[], text[], uuid, text, timestamptz, timestamptz, timestamptz, uuid, integer
) from public;
grant execute on function admin_security_events(
    uuid, text[], text[], uuid, text, timestamptz, timestamptz, timestamptz, uuid, integer
) to strongroom_app;

-- Whose an object is that was asked for and not found. It is asked after the reply, and its answer goes into the event and
-- nowhere else. Forced row-level security hides the rows from the schema's owner too, so the function belongs to a role that
-- can do nothing but this: it cannot sign in, and it reads two columns of each table below.
do $$
begin
    if not exists (select from pg_roles where rolname = 'strongroom_classifier') then
        create role strongroom_classifier nologin;
        grant strongroom_classifier to current_user;
    end if;
end
$$;
grant usage on schema public to strongroom_classifier;

-- The kinds that can be asked about. A new one is a row here, a grant of its two columns, and, on a table with row-level
-- security, a policy as below.
create table classified_objects (
    kind text primary key,
    relation regclass not null,
    -- Its column with the one whose it is.
    holder name not null
);
insert into classified_objects (kind, relation, holder) values
    ('customer', 'public.customers', 'owner_id'),
    ('document', 'public.documents', 'owner_id'),
    ('invoice', 'public.invoices', 'owner_id'),
    ('session', 'public.sessions', 'user_id');
grant select on classified_objects to strongroom_classifier;
grant select (id, owner_id) on customers, documents, invoices to strongroom_classifier;
grant select (id, user_id) on sessions to strongroom_classifier;
create policy customers_classified on customers for select to strongroom_classifier using (true);
create policy documents_classified on documents for select to strongroom_classifier using (true);
create policy invoices_classified on invoices for select to strongroom_classifier using (true);

create function who_has(asked_kind text, object uuid, caller uuid) returns text
language plpgsql stable security definer set search_path = '' as $$
declare
    known public.classified_objects;
    holder uuid;
    there boolean;
begin
    select * into known from public.classified_objects c where c.kind = asked_kind;
    if not found then
        return null;
    end if;
    execute format('select true, %I from %s where id = $1', known.holder, known.relation)
        into there, holder using object;
    return case when there is null then 'missing' when holder = caller then 'own' else 'foreign' end;
end
$$;
revoke all on function who_has(text, uuid, uuid) from public;
grant execute on function who_has(text, uuid, uuid) to strongroom_app;
grant create on schema public to strongroom_classifier;
alter function who_has(text, uuid, uuid) owner to strongroom_classifier;
revoke create on schema public from strongroom_classifier;
-- The schema's owner may call it as well, which only its new owner can say.
do $$
declare
    schema_owner name := current_user;
begin
    set local role strongroom_classifier;
    execute format('grant execute on function public.who_has(text, uuid, uuid) to %I', schema_owner);
    execute format('set local role %I', schema_owner);
end
$$;
