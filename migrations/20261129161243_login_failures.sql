-- Login throttling: one table of failures, counted before the hash and taken back on success.
-- The counters begin anew; no other client reads the old table.
-- squawk-ignore-file ban-drop-table
set local lock_timeout = '5s';
set local statement_timeout = '60s';

drop table failed_sign_ins;

-- Keys are keyed hashes: people type passwords into the name field. Windows end by the database's clock.
create table login_failures (
    kind text not null
        constraint login_failures_kind_known check (kind in (
            -- Of unknown clients: an account; the same from one address; an address; a network, by accounts. In a session: the
            -- account of a signed-in user who enters the password again.
            'account', 'pair', 'address', 'account_in_network', 'network',
            -- One device cookie.
            'device',
            -- A challenge that was solved: it counts once.
            'challenge'
        )),
    key bytea not null
        constraint login_failures_key_size check (octet_length(key) = 32),
    failures bigint not null
        constraint login_failures_counted check (failures >= 0),
    -- When the window is over. An account's begins anew with each failure.
    expires_at timestamptz not null,
    -- Of an account: failures without a reset, and until when every password is wrong.
    in_a_row bigint not null default 0
        constraint login_failures_counted_in_a_row check (in_a_row >= 0),
    waits_until timestamptz
        constraint login_failures_only_accounts_wait check (waits_until is null or kind = 'account'),
    -- Of a pair: the account's key, so that a reset finds it.
    account bytea
        constraint login_failures_only_pairs_have_an_account check (account is null or kind = 'pair'),
    constraint login_failures_key primary key (kind, key)
);
create index login_failures_expiry on login_failures (expires_at);
create index login_failures_account on login_failures (account) where account is not null;
grant select, insert, update, delete on login_failures to strongroom_app;
