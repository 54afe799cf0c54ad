-- Live events over WebSockets: the tickets that open a socket, and the notifications that reach every replica.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- A ticket can open one socket within 30 seconds. The table has no row-level security, because the service reads it to
-- find out who the caller is.
create table live_tickets (
    -- SHA-256 of the ticket.
    token_hash bytea primary key
        constraint live_tickets_size check (octet_length(token_hash) = 32),
    user_id uuid not null constraint live_tickets_user references users (id) on delete cascade,
    session_id uuid not null constraint live_tickets_session references sessions (id) on delete cascade,
    -- The expiry of the access token with which the client requested the ticket. The socket is closed at this time.
    authorized_until timestamptz not null,
    expires_at timestamptz not null,
    -- A used ticket is kept for a while, so that a replay can be distinguished from an unknown ticket.
    used_at timestamptz
);
create index live_tickets_of_session on live_tickets (session_id);
create index live_tickets_of_user on live_tickets (user_id);
create index live_tickets_expiry on live_tickets (expires_at);
grant select, insert, delete on live_tickets to strongroom_app;
grant update (used_at) on live_tickets to strongroom_app;

-- Notifies every replica of a changed object when the transaction commits. The notification contains kind, change,
-- owner, id and version, but no content, because every role that can connect to the database can listen.
create function announce_change() returns trigger
language plpgsql set search_path = '' as $$
declare
    object record := case when tg_op = 'DELETE' then old else new end;
    change text := case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'updated' else 'deleted' end;
begin
    -- An update that keeps the version is the first of two statements: assigning a number precedes the change of the
    -- status.
    if tg_op = 'UPDATE' and old.version = new.version then
        return null;
    end if;
    -- Rows of a deleted account are not announced: the account has no listeners, and can have very many rows.
    if tg_op = 'DELETE' and (pg_catalog.pg_trigger_depth() > 1 or exists (
        select from public.owners where id = old.owner_id and deleted_at is not null
    )) then
        return null;
    end if;
    perform pg_catalog.pg_notify('object_changed',
        pg_catalog.concat_ws(' ', tg_argv[0], change, object.owner_id, object.id, object.version));
    return null;
end
$$;

-- Payments and credit notes increment the version of their invoice, so they are announced as a change of the invoice.
create trigger customers_announce after insert or update or delete on customers
    for each row execute function announce_change('customer');
create trigger invoices_announce after insert or update or delete on invoices
    for each row execute function announce_change('invoice');
create trigger documents_announce after insert or update or delete on documents
    for each row execute function announce_change('document');
