-- Expired answers are deleted in the background, for all owners, and no longer by each request: requests of one owner that
-- delete the same old rows wait for each other, and with an invoice locked in between they could deadlock.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

drop index idempotency_keys_age;
create index idempotency_keys_expiry on idempotency_keys (created_at);

-- Row-level security is forced on the schema's owner too. This opens nothing but answers that are no longer given, and for the
-- function below alone: the service itself still sees one owner's rows.
create policy idempotency_keys_expired on idempotency_keys to current_user
    using (created_at < pg_catalog.now() - interval '24 hours') with check (false);

create function sweep_idempotency_keys(most bigint) returns bigint
language sql security definer set search_path = '' as $$
    with gone as (
        delete from public.idempotency_keys
        where ctid = any (array(
            select ctid from public.idempotency_keys where created_at < pg_catalog.now() - interval '24 hours'
            order by created_at limit most for update skip locked
        ))
        returning 1
    )
    select count(*) from gone;
$$;
revoke all on function sweep_idempotency_keys(bigint) from public;
grant execute on function sweep_idempotency_keys(bigint) to strongroom_app;
