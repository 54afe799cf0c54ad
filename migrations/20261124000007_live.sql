-- Live events: tickets that open a socket, and the announcements that travel to every replica.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- A ticket opens one socket, once, within 30 seconds. It is read before there is a caller, to find out who comes, so it
-- has no row-level security; its statements are in security/tickets/store.rs.
create table live_tickets (
    -- SHA-256 of the ticket.
    token_hash bytea primary key
        constraint live_tickets_size check (octet_length(token_hash) = 32),
    user_id uuid not null constraint live_tickets_user references users (id) on delete cascade,
    session_id uuid not null constraint live_tickets_session references sessions (id) on delete cascade,
    -- The end of the access token that asked for it: what the ticket opens ends then too.
    authorized_until timestamptz not null,
    expires_at timestamptz not null,
    -- Kept until it is swept, so that a ticket that comes again is told apart from one that never was.
    used_at timestamptz
);
create index live_tickets_session on live_tickets (session_id);
create index live_tickets_user on live_tickets (user_id);
create index live_tickets_expiry on live_tickets (expires_at);
grant select, insert, delete on live_tickets to strongroom_app;
grant update (used_at) on live_tickets to strongroom_app;

-- Tells every replica that an object has changed, when the transaction commits: kind, what, owner, id, version, and no
-- content, since whoever listens on this database hears it. Its argument is the kind.
create function announce_change() returns trigger
language plpgsql set search_path = '' as $$
declare
    object record := case when tg_op = 'DELETE' then old else new end;
    what text := case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'updated' else 'deleted' end;
begin
    -- What goes with its owner goes untold: nobody is left to hear it, and an owner may have very many.
    if tg_op = 'DELETE' and pg_catalog.pg_trigger_depth() > 1 then
        return null;
    end if;
    perform pg_catalog.pg_notify('object_changed',
        pg_catalog.concat_ws(' ', tg_argv[0], what, object.owner_id, object.id, object.version));
    return null;
end
$$;

-- A payment moves its invoice's version in the same transaction, so it is told as a change of the invoice. Only a change of
-- version is told: numbering a draft is one half of a step.
create trigger invoices_announce after insert or delete on invoices
    for each row execute function announce_change('invoice');
create trigger invoices_announce_update after update on invoices
    for each row when (old.version is distinct from new.version) execute function announce_change('invoice');
create trigger customers_announce after insert or delete on customers
    for each row execute function announce_change('customer');
create trigger customers_announce_update after update on customers
    for each row when (old.version is distinct from new.version) execute function announce_change('customer');
