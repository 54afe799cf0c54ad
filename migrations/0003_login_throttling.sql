-- Brute force and password spraying (CWE-307): counters of failed logins, which all replicas share.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- An attempt counts as a failure until its password is verified, so parallel attempts cannot exceed the limit.
-- The clock of the database decides when a window ends, because the clocks of replicas can differ.
create table login_failures (
    kind text not null
        constraint login_failures_kind_known check (kind in (
            -- Counts the failed logins of an account, or the failed re-authentications of a user.
            'account',
            -- Counts the failed logins of an account from one address, or failed re-authentications in one session.
            'account_and_address',
            -- Counts the failed logins from an address.
            'address',
            -- 'network' counts the accounts with a failed login from one network.
            -- 'account_in_network' marks an account as already counted for its network.
            'account_in_network', 'network',
            -- Counts the failed logins with one device cookie. These logins count nowhere else.
            'device',
            -- Marks a solved challenge as used, so that its solution works only once.
            'challenge'
        )),
    -- A keyed hash of the counted account, address, network, device or challenge.
    -- A user may have typed a password instead of the e-mail address, so plain text would be unsafe.
    key bytea not null
        constraint login_failures_key_size check (octet_length(key) = 32),
    failures bigint not null
        constraint login_failures_counted check (failures >= 0),
    -- The end of the window. Only for 'account', each new failure extends the window.
    expires_at timestamptz not null,
    -- For accounts only: the failed logins in a row, and the end of the lockout.
    -- During the lockout, every password is refused, except from a known device (device cookie).
    in_a_row bigint not null default 0
        constraint login_failures_counted_in_a_row check (in_a_row >= 0),
    waits_until timestamptz
        constraint login_failures_only_accounts_wait check (waits_until is null or kind = 'account'),
    -- For 'account_and_address' only: the key of the account, with which an unlock finds the rows of the account.
    account bytea
        constraint login_failures_account_for_its_kind check (account is null or kind = 'account_and_address'),
    constraint login_failures_key primary key (kind, key)
);
create index login_failures_account on login_failures (account) where account is not null;
grant select, insert, update, delete on login_failures to strongroom_app;
