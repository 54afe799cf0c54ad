-- Idempotent POST requests: the stored responses of requests with an `Idempotency-Key`.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- A request inserts its row before its work, so a second request with the same key waits for the first request.
-- Each request stores its response in the same transaction as its work, so every committed row has a response.
-- No response contains a secret, because routes that return a token do not accept a key.
create table idempotency_keys (
    owner_id uuid not null,
    route text not null constraint idempotency_keys_route_length check (char_length(route) <= 200),
    key text not null constraint idempotency_keys_key_form check (key ~ '^[!-~]{1,64}$'),
    -- SHA-256 of the request body. It shows whether a later request with the same key has another body.
    fingerprint bytea not null constraint idempotency_keys_fingerprint_size check (octet_length(fingerprint) = 32),
    claimed_at timestamptz not null,
    status integer,
    location text,
    etag text,
    body text,
    constraint idempotency_keys_key primary key (owner_id, route, key)
);
create index idempotency_keys_expiry on idempotency_keys (claimed_at);
select protect_owned_table('idempotency_keys');
grant select, insert on idempotency_keys to strongroom_app;
grant update (fingerprint, claimed_at, status, location, etag, body) on idempotency_keys to strongroom_app;

-- Deletes expired responses of all owners. A background worker calls this function.
-- If requests deleted expired responses, requests of one owner could wait for each other or deadlock.
create function sweep_idempotency_keys(batch bigint) returns bigint
language sql security definer set search_path = '' as $$
    with deleted as (
        delete from public.idempotency_keys
        where ctid = any (array(
            select ctid from public.idempotency_keys where claimed_at < pg_catalog.now() - interval '24 hours'
            order by claimed_at limit batch for update skip locked
        ))
        returning 1
    )
    select count(*) from deleted;
$$;
grant execute on function sweep_idempotency_keys(bigint) to strongroom_app;
-- sweep_idempotency_keys() runs as the schema's owner. Forced row-level security applies to the owner, too.
-- With the policy below, the schema's owner sees the expired responses of all owners.
create policy idempotency_keys_expired on idempotency_keys to current_user
    using (claimed_at < pg_catalog.now() - interval '24 hours') with check (false);
