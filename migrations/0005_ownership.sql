-- Ownership: the rules for every table with a column `owner_id` (BOLA, API1:2023; CWE-639).
--
-- Four controls isolate owners (defense in depth). Two are in the code: each store method takes a Caller, and each
-- statement contains owner_id. Two are in the database:
--   * Forced row-level security: a transaction sees only the rows of the owner in the setting `app.owner_id`. Without
--     the setting it sees no rows. src/db/owner_query.rs and src/db/owner_tx.rs set it.
--   * Composite keys: a row can refer only to a row of the same owner. Key checks ignore row-level security, so the
--     error of a plain foreign key would reveal which ids exist.
-- tests/api/contract/database_walls.rs reads the catalogue and reports each table that lacks one of them.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Each owned row refers to a row of this table, which outlives the user. A user is deleted at once, in a short
-- transaction. The user's data are deleted later, in batches, because one cascade over a million invoices would exceed
-- the statement timeout.
create table owners (
    -- The user's id.
    id uuid primary key,
    -- The time at which the user was deleted. purge_deleted_owner() deletes this row last.
    deleted_at timestamptz
);
create index owners_deleted on owners (deleted_at) where deleted_at is not null;
grant select on owners to strongroom_app;

-- A trigger writes this table, so that no statement on users can omit it. SECURITY DEFINER: the service cannot write
-- owners in any other way.
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

-- Returns the owner whose rows this transaction can see. After a transaction that set it, PostgreSQL leaves the setting
-- as ''. nullif() turns this into null, which matches no owner.
--
-- The function has no `set search_path`, so that the planner can replace a call by the body. Otherwise a call costs as
-- much as the look-up of a row. RETURN binds the names in the body when the function is created, so no search path of a
-- session can change what it calls.
create function current_owner() returns uuid
language sql stable parallel safe
return nullif(current_setting('app.owner_id', true), '')::uuid;
grant execute on function current_owner() to strongroom_app, strongroom_classifier;

-- All owned tables, in the order in which they were protected. A table refers only to tables before it, so deleting in
-- reverse order works.
create table owned_tables (
    position integer generated always as identity primary key,
    relation regclass not null constraint owned_tables_relation_unique unique
);

-- The kinds of objects whose owner classify_object() can find.
create table classified_objects (
    kind text primary key,
    relation regclass not null,
    -- The name of the column that contains the owner.
    owner_column name not null
);
grant select on classified_objects to strongroom_classifier;

-- Protects a table that has an `owner_id`. Each migration calls it after its CREATE TABLE.
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

-- Deletes one batch of the current owner's rows if the account was deleted. Returns whether there may be more rows.
-- Tables that refer to other tables come first, so that no deletion cascades to more rows than a batch. SECURITY
-- DEFINER: the service has no right to delete payments. Forced row-level security also applies inside the function.
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
    -- The deletion cascades to rows that a concurrent request has added.
    delete from public.owners where id = purged;
    return false;
end
$$;
grant execute on function purge_deleted_owner(integer) to strongroom_app;

-- Returns whether an object that a caller was denied is missing, belongs to another owner (foreign), or is the caller's
-- own. The service calls it after the response, and only the audit event contains the result.
--
-- Forced row-level security hides the rows from the schema's owner too. So the function belongs to the role
-- strongroom_classifier, to which a policy shows all rows. Of each table in classified_objects, it can read only the id
-- and the owner. The role needs CREATE only to become the owner of the function.
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
-- The default privileges in 0001_roles.sql apply only to functions of the schema's owner, and this function has another
-- owner.
revoke all on function classify_object(text, uuid, uuid) from public;
-- `.ci/sqlx` checks the statement that calls the function as the schema's owner, so the owner needs the right too.
grant execute on function classify_object(text, uuid, uuid) to strongroom_app, strongroom_owner;
reset role;
revoke create on schema public from strongroom_classifier;

-- Identity tables have no owner_id, so they are listed here. protect_owned_table() adds the rows of owned tables.
insert into classified_objects values ('session', 'public.sessions', 'user_id'), ('user', 'public.users', 'id');
grant select (id, user_id) on sessions to strongroom_classifier;
grant select (id) on users to strongroom_classifier;
