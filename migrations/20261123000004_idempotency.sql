-- Answers that were given under an Idempotency-Key, kept in the transaction of the work itself: either both are
-- there or neither. Nothing secret is in them: no route that hands out a token takes a key.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table idempotency_keys (
    owner_id uuid not null constraint idempotency_keys_owner references users (id) on delete cascade,
    route text not null constraint idempotency_keys_route_length check (char_length(route) <= 200),
    key text not null constraint idempotency_keys_key_form check (key ~ '^[!-~]{1,64}$'),
    -- SHA-256 of the body as it was sent.
    fingerprint bytea not null constraint idempotency_keys_fingerprint_size check (octet_length(fingerprint) = 32),
    status integer not null,
    location text not null,
    etag text,
    body text not null,
    created_at timestamptz not null,
    constraint idempotency_keys_key primary key (owner_id, route, key)
);
create index idempotency_keys_age on idempotency_keys (owner_id, created_at);
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
create policy idempotency_keys_of_owner on idempotency_keys
    using (owner_id = current_owner()) with check (owner_id = current_owner());
grant select, insert, delete on idempotency_keys to strongroom_app;
