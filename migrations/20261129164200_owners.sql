-- Owners: what a user owns refers to a row that outlives the user. An account is deleted at once, in one short transaction; what
-- it owned is deleted afterwards, in batches. One cascade over a million invoices would run into the statement timeout.
-- The tables are locked and scanned once; a first release has no large ones.
-- squawk-ignore-file adding-foreign-key-constraint
set local lock_timeout = '5s';
set local statement_timeout = '10min';

create table owners (
    -- The user's id.
    id uuid primary key,
    -- When the user was deleted. From then on the row waits until nothing refers to it.
    deleted_at timestamptz
);
create index owners_deleted on owners (deleted_at) where deleted_at is not null;
grant select on owners to strongroom_app;
insert into owners (id) select id from users;

-- By triggers, so that no statement on users can forget it. The service itself cannot write owners.
create function add_owner() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into public.owners (id) values (new.id);
    return null;
end
$$;
revoke all on function add_owner() from public;
create trigger users_add_owner after insert on users for each row execute function add_owner();

create function mark_owner_deleted() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    update public.owners set deleted_at = pg_catalog.clock_timestamp() where id = old.id;
    return null;
end
$$;
revoke all on function mark_owner_deleted() from public;
create trigger users_mark_owner_deleted after delete on users for each row execute function mark_owner_deleted();

alter table customers drop constraint customers_owner,
    add constraint customers_owner foreign key (owner_id) references owners (id) on delete cascade;
alter table invoices drop constraint invoices_owner,
    add constraint invoices_owner foreign key (owner_id) references owners (id) on delete cascade;
alter table invoice_lines drop constraint invoice_lines_owner,
    add constraint invoice_lines_owner foreign key (owner_id) references owners (id) on delete cascade;
alter table invoice_counters drop constraint invoice_counters_owner,
    add constraint invoice_counters_owner foreign key (owner_id) references owners (id) on delete cascade;
alter table invoice_parties drop constraint invoice_parties_owner,
    add constraint invoice_parties_owner foreign key (owner_id) references owners (id) on delete cascade;
alter table payments drop constraint payments_owner,
    add constraint payments_owner foreign key (owner_id) references owners (id) on delete cascade;
alter table idempotency_keys drop constraint idempotency_keys_owner,
    add constraint idempotency_keys_owner foreign key (owner_id) references owners (id) on delete cascade;
alter table documents drop constraint documents_owner,
    add constraint documents_owner foreign key (owner_id) references owners (id) on delete cascade;
alter table document_uploads drop constraint document_uploads_owner,
    add constraint document_uploads_owner foreign key (owner_id) references owners (id) on delete cascade;
alter table document_usage drop constraint document_usage_owner,
    add constraint document_usage_owner foreign key (owner_id) references owners (id) on delete cascade;

-- Deletes one batch of the current owner's rows, if their account was deleted, and says whether there may be more. Rows that
-- refer to others come first, so that no row takes more than a batch with it. It runs with its owner's rights, because the
-- service cannot delete payments; forced row-level security still holds inside it.
create function purge_deleted_owner(batch integer) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    purged uuid := public.current_owner();
    owned text;
    deleted bigint;
begin
    perform from public.owners where id = purged and deleted_at is not null for update skip locked;
    if not found then
        return false;
    end if;
    foreach owned in array array[
        'idempotency_keys', 'payments', 'documents', 'document_uploads', 'document_usage', 'invoice_lines',
        'invoice_parties', 'invoices', 'invoice_counters', 'customers'
    ] loop
        execute pg_catalog.format(
            'delete from public.%1$I where ctid = any (array(select ctid from public.%1$I where owner_id = $1 limit $2))',
            owned
        ) using purged, batch;
        get diagnostics deleted = row_count;
        if deleted > 0 then
            return true;
        end if;
    end loop;
    -- Rows that a request added meanwhile are deleted with it (cascade).
    delete from public.owners where id = purged;
    return false;
end
$$;
revoke all on function purge_deleted_owner(integer) from public;
grant execute on function purge_deleted_owner(integer) to strongroom_app;

-- What goes with its owner goes untold: no one is left to hear it, and there may be very much of it.
create or replace function announce_change() returns trigger
language plpgsql set search_path = '' as $$
declare
    object record := case when tg_op = 'DELETE' then old else new end;
    what text := case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'updated' else 'deleted' end;
begin
    if tg_op = 'DELETE' and (pg_catalog.pg_trigger_depth() > 1 or exists (
        select from public.owners where id = old.owner_id and deleted_at is not null
    )) then
        return null;
    end if;
    perform pg_catalog.pg_notify('object_changed',
        pg_catalog.concat_ws(' ', tg_argv[0], what, object.owner_id, object.id, object.version));
    return null;
end
$$;
