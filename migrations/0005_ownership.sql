-- Ownership: what every table with an `owner_id` has in common (BOLA, API1:2023; CWE-639).
--
-- Two of the four walls are in the code: a Caller in each store method, and owner_id in each statement. Two are here:
--   * row-level security, forced, on the setting `app.owner_id`, which each transaction sets. Unset means no rows;
--   * composite keys: a row can only refer to a row of the same owner. Key checks ignore row-level security, so the error of
--     a plain foreign key would tell which ids exist.
-- tests/api/contract/database_walls.rs reads the catalogue and names each table that lacks one.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Owned rows refer to a row that outlives the user. An account is deleted at once, in a short transaction; its data is deleted
-- afterwards, in batches. One cascade over a million invoices would exceed the statement timeout.
create table owners (
    -- The user's id.
    id uuid primary key,
    -- When the user was deleted. purge_deleted_owner() deletes the row last.
    deleted_at timestamptz
);
create index owners_deleted on owners (deleted_at) where deleted_at is not null;
grant select on owners to strongroom_app;

-- A trigger, so that no statement on users can forget it. SECURITY DEFINER: the service cannot write owners in any other way.
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

-- The owner whose rows this transaction can see. After a transaction that set it, the setting reads as '', not as null.
create function current_owner() returns uuid
language sql stable parallel safe set search_path = ''
return nullif(current_setting('app.owner_id', true), '')::uuid;
grant execute on function current_owner() to strongroom_app, strongroom_classifier;

-- All owned tables, in the order in which they were protected. A table refers only to tables before it.
create table owned_tables (
    position integer generated always as identity primary key,
    relation regclass not null constraint owned_tables_relation_unique unique
);

-- The kinds of objects whose owner classify_object() can look up.
create table classified_objects (
    kind text primary key,
    relation regclass not null,
    -- The column that contains the owner.
    owner_column name not null
);
grant select on classified_objects to strongroom_classifier;

-- Protects a table that has an `owner_id`. Each migration calls it after its CREATE TABLE.
--   object_kind: the kind by which events name a row, if the API serves rows of this table by id;
--   updatable: grants the service SELECT, INSERT, DELETE, and UPDATE of these columns. They never include owner_id, id or
--     created_at. A table that needs other rights leaves this out and has its own GRANT.
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

-- Deletes one batch of the current owner's rows, if the account was deleted, and returns whether there may be more. Tables that
-- refer to others come first, so that no row cascades to more than a batch. SECURITY DEFINER: the service cannot delete
-- payments. Forced row-level security holds inside the function too.
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
    -- Cascades to rows that a concurrent request added.
    delete from public.owners where id = purged;
    return false;
end
$$;
grant execute on function purge_deleted_owner(integer) to strongroom_app;

-- Tells whether an object that a caller was denied is missing, foreign or their own. It runs after the response, and only the
-- audit event contains the result. Forced row-level security hides the rows from the schema's owner too. So the function
-- belongs to a role that reads two columns of each classified table and can do nothing else. It needs CREATE for this only.
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
-- The default privileges (0001_roles.sql) hold for functions of the schema's owner only.
revoke all on function classify_object(text, uuid, uuid) from public;
-- The schema's owner explains the statement that calls it, when `.ci/sqlx` checks all statements.
grant execute on function classify_object(text, uuid, uuid) to strongroom_app, strongroom_owner;
reset role;
revoke create on schema public from strongroom_classifier;

-- Identity tables have no owner_id; the rows of owned tables are added by protect_owned_table().
insert into classified_objects values ('session', 'public.sessions', 'user_id'), ('user', 'public.users', 'id');
grant select (id, user_id) on sessions to strongroom_classifier;
grant select (id) on users to strongroom_classifier;
