-- Live events over WebSockets: the tickets that authorize a socket, and the recent changes that every replica reads.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- A ticket can open one socket within 30 seconds.
-- The table has no row-level security, because the service reads it before it knows who the caller is.
create table live_tickets (
    -- SHA-256 of the ticket.
    token_hash bytea primary key
        constraint live_tickets_size check (octet_length(token_hash) = 32),
    user_id uuid not null constraint live_tickets_user references users (id) on delete cascade,
    session_id uuid not null constraint live_tickets_session references sessions (id) on delete cascade,
    -- The expiry of the access token with which the client requested the ticket. The socket ends at this time, unless
    -- the client sends a new ticket.
    authorized_until timestamptz not null,
    expires_at timestamptz not null,
    -- A used ticket remains for a while, so that a replay can be distinguished from an unknown ticket.
    used_at timestamptz
);
create index live_tickets_of_session on live_tickets (session_id);
create index live_tickets_of_user on live_tickets (user_id);
create index live_tickets_expiry on live_tickets (expires_at);
grant select, insert, delete on live_tickets to strongroom_app;
grant update (used_at) on live_tickets to strongroom_app;

-- The changes of the last minutes. A replica with open sockets reads the new rows ten times a second.
-- With NOTIFY, all writes would commit one after the other, because a commit with NOTIFY takes a cluster-wide lock.
--
-- The transaction that changes an object also inserts a row here, without the content of the object.
-- The table has no row-level security, because each replica reads the rows of all owners.
-- The table is unlogged, so a crash of PostgreSQL empties it and disconnects every replica.
-- Each replica then tells its clients to read their objects again.
create unlogged table object_changes (
    -- The id of the transaction that inserted the row. With this id, a replica finds the rows since its last read.
    -- created_at does not suffice, because a transaction can commit long after it has inserted its row.
    transaction xid8 not null default pg_current_xact_id(),
    -- Kind of object, kind of change, owner, id and version, separated by spaces.
    change text not null,
    created_at timestamptz not null default clock_timestamp()
);
create index object_changes_of_transaction on object_changes (transaction);
grant select, insert, delete on object_changes to strongroom_app;

create function record_change() returns trigger
language plpgsql set search_path = '' as $$
declare
    object record := case when tg_op = 'DELETE' then old else new end;
    change text := case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'updated' else 'deleted' end;
begin
    -- Issuing an invoice needs two updates, and the first one, which assigns the number, has no new version.
    if tg_op = 'UPDATE' and old.version = new.version then
        return null;
    end if;
    -- A deleted account has no sockets, and its many rows would fill the table.
    if tg_op = 'DELETE' and (pg_catalog.pg_trigger_depth() > 1 or exists (
        select from public.owners where id = old.owner_id and deleted_at is not null
    )) then
        return null;
    end if;
    insert into public.object_changes (change)
    values (pg_catalog.concat_ws(' ', tg_argv[0], change, object.owner_id, object.id, object.version));
    return null;
end
$$;

-- Returns the version of the current owner's object, or null if it does not exist or belongs to another user.
create function object_version(object_kind text, object uuid) returns bigint
language plpgsql stable set search_path = '' as $$
declare
    -- The table whose trigger records this kind of object. A trigger's argument is stored with a zero byte at its end.
    relation regclass := (
        select t.tgrelid from pg_catalog.pg_trigger t
        where t.tgfoid = 'public.record_change'::regproc
          and t.tgargs = pg_catalog.convert_to(object_kind, 'UTF8') || '\x00'::bytea
    );
    found bigint;
begin
    execute pg_catalog.format('select version from %s where owner_id = public.current_owner() and id = $1', relation)
        into found using object;
    return found;
end
$$;
grant execute on function object_version(text, uuid) to strongroom_app;

-- Records that an alert was opened (version 1) or cleared (version 2).
-- Alerts belong to no user, so the nil UUID replaces the owner.
create function record_alert() returns trigger
language plpgsql set search_path = '' as $$
begin
    insert into public.object_changes (change) values (pg_catalog.concat_ws(
        ' ', 'alert', case new.state when 'open' then 'created' else 'updated' end,
        '00000000-0000-0000-0000-000000000000', new.id, case new.state when 'open' then 1 else 2 end
    ));
    return null;
end
$$;
create trigger alerts_record_state after insert or update of state on alerts
    for each row execute function record_alert();

-- Payments and credit notes need no trigger: they increment the version of the invoice, whose trigger records this.
create trigger customers_record_change after insert or update or delete on customers
    for each row execute function record_change('customer');
create trigger invoices_record_change after insert or update or delete on invoices
    for each row execute function record_change('invoice');
create trigger documents_record_change after insert or update or delete on documents
    for each row execute function record_change('document');
