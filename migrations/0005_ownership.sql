-- Ownership: the rules for every table with a column `owner_id` (BOLA, API1:2023; CWE-639).
--
-- Four controls isolate owners (defense in depth).
-- Two are in the code: each store method requires a Caller, and each statement contains owner_id.
-- Two are in the database:
--   * Forced row-level security: a transaction sees only the rows of the owner in the setting `app.owner_id`.
--     A transaction without the setting sees no rows. src/db/owner_query.rs and src/db/owner_tx.rs write the setting.
--   * Composite keys: a foreign key contains the owner, so a row can refer only to a row of the same owner.
--     Row-level security does not apply to the checks of foreign keys.
--     So a plain foreign key would reveal which ids of other owners exist.
-- The test tests/api/contract/database_walls.rs reports each table that lacks one of these controls.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Each owned row refers to its owner in this table.
-- The deletion of a user only marks the owner. A worker then deletes the owned rows in batches, and the owner last.
-- A single cascade over a million invoices would exceed the statement timeout.
create table owners (
    -- The id of the user.
    id uuid primary key,
    -- When the user was deleted.
    deleted_at timestamptz
);
create index owners_deleted on owners (deleted_at) where deleted_at is not null;
grant select on owners to strongroom_app;

-- Adds an owner for each new user, and marks the owner of a deleted user.
-- SECURITY DEFINER: the service itself has no right to write to owners.
create function track_owner() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tg_op = 'INSERT' then
        insert into public.owners (id) values (new.id);
    else
        update public.owners set deleted_at = pg_catalog.clock_timestamp() where id = old.id;
    end if;
    return null;
end
$$;
create trigger users_track_owner after insert or delete on users for each row execute function track_owner();

-- Returns the owner whose rows this transaction can see.
-- After a transaction with the setting, PostgreSQL keeps the setting as an empty text.
-- nullif() turns the empty text into null, which means no owner.
--
-- The function has no `set search_path`, so that the planner can inline it. Without inlining, each call would cost as
-- much as reading a row.
-- RETURN resolves the names in the body when the function is created. So a search path cannot change their meaning.
create function current_owner() returns uuid
language sql stable parallel safe
return nullif(current_setting('app.owner_id', true), '')::uuid;
grant execute on function current_owner() to strongroom_app, strongroom_classifier;

-- All tables with an owner, in the order of their migrations.
-- A table refers only to earlier tables, so rows must be deleted in reverse order.
create table owned_tables (
    position integer generated always as identity primary key,
    relation regclass not null constraint owned_tables_relation_unique unique
);

-- The kinds of objects for which classify_object() can find the owner.
create table classified_objects (
    kind text primary key,
    relation regclass not null,
    owner_column name not null
);
grant select on classified_objects to strongroom_classifier;

-- Protects a table that has an `owner_id`, with row-level security and grants.
-- With `object_kind`, classify_object() can find the owner of a row.
-- With `updatable`, the service may select, insert and delete rows, and update the listed columns.
create function protect_owned_table(owned name, object_kind text default null, updatable name[] default null) returns void
language plpgsql set search_path = '' as $$
begin
    execute pg_catalog.format($ddl$
        alter table public.%1$I
            add constraint %2$I foreign key (owner_id) references public.owners (id) on delete cascade,
            enable row level security,
            force row level security;
        create policy %3$I on public.%1$I
            using (owner_id = public.current_owner()) with check (owner_id = public.current_owner());
    $ddl$, owned, owned || '_owner', owned || '_of_owner');
    insert into public.owned_tables (relation) values (pg_catalog.format('public.%I', owned)::regclass);
    if updatable is not null then
        execute pg_catalog.format('grant select, insert, delete, update (%2$s) on public.%1$I to strongroom_app', owned,
            (select pg_catalog.string_agg(pg_catalog.quote_ident(c), ', ') from pg_catalog.unnest(updatable) c));
    end if;
    if object_kind is not null then
        insert into public.classified_objects values (object_kind, pg_catalog.format('public.%I', owned)::regclass, 'owner_id');
        execute pg_catalog.format($ddl$
            grant select (id, owner_id) on public.%1$I to strongroom_classifier;
            create policy %2$I on public.%1$I for select to strongroom_classifier using (true);
        $ddl$, owned, owned || '_classified');
    end if;
end
$$;

-- Deletes one batch of the current owner's rows if the account was deleted. Returns whether more rows may remain.
-- A table is purged before the tables to which it refers, so that no deletion cascades to more rows than a batch.
-- SECURITY DEFINER: the service itself has no right to delete payments.
-- Forced row-level security still limits the function to the rows of the current owner.
create function purge_deleted_owner(batch integer) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    purged uuid := public.current_owner();
    owned regclass;
    deleted bigint;
begin
    perform from public.owners where id = purged and deleted_at is not null for update skip locked;
    if not found then
        return false;
    end if;
    for owned in select relation from public.owned_tables order by position desc loop
        execute pg_catalog.format(
            'delete from %1$s where ctid = any (array(select ctid from %1$s where owner_id = $1 limit $2))', owned
        ) using purged, batch;
        get diagnostics deleted = row_count;
        if deleted > 0 then
            return true;
        end if;
    end loop;
    -- Cascades to rows that a concurrent request has added since the last batch.
    delete from public.owners where id = purged;
    return false;
end
$$;
grant execute on function purge_deleted_owner(integer) to strongroom_app;

-- Returns the class of an object to which a caller was denied access: missing, foreign (of another owner) or own.
-- The service calls this function after the response, and writes the class only to the audit event.
--
-- Forced row-level security hides foreign rows even from the schema's owner.
-- So the role strongroom_classifier owns this function, and a policy shows this role the id and owner of all rows.
-- The role needs CREATE to become the owner of the function. This right is revoked below.
grant create on schema public to strongroom_classifier;
set local role strongroom_classifier;
create function classify_object(kind text, object uuid, caller uuid) returns text
language plpgsql stable security definer set search_path = '' as $$
declare
    classified public.classified_objects;
    class text;
begin
    select * into classified from public.classified_objects c where c.kind = classify_object.kind;
    if not found then
        return null;
    end if;
    execute pg_catalog.format(
        'select case when %I = $2 then ''own'' else ''foreign'' end from %s where id = $1',
        classified.owner_column, classified.relation
    ) into class using object, caller;
    return coalesce(class, 'missing');
end
$$;
-- This function does not belong to the schema's owner, so the default privileges of 0001_roles.sql do not apply.
revoke all on function classify_object(text, uuid, uuid) from public;
-- The script `.ci/sqlx` checks the service's statements as strongroom_owner, so this role needs the same right.
grant execute on function classify_object(text, uuid, uuid) to strongroom_app, strongroom_owner;
reset role;
revoke create on schema public from strongroom_classifier;

-- protect_owned_table() registers only tables with an owner_id. sessions and users have none, so register them here.
insert into classified_objects values ('session', 'public.sessions', 'user_id'), ('user', 'public.users', 'id');
grant select (id, user_id) on sessions to strongroom_classifier;
grant select (id) on users to strongroom_classifier;
