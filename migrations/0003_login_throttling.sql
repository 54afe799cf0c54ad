-- Brute force and password spraying (CWE-307): failed logins, counted for all replicas.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Each attempt is counted as a failure before its password is verified, and subtracted after a success. The database's
-- clock decides when a window ends.
create table login_failures (
    kind text not null
        constraint login_failures_kind_known check (kind in (
            -- Counts the failures of an account.
            'account',
            -- Counts the failures of an account from one address, or of an account in one session (re-authentication).
            'account_and_address',
            -- Counts the failures of an address.
            'address',
            -- 'account_in_network' marks an account that failed in one network. 'network' counts these accounts.
            'account_in_network', 'network',
            -- Counts the failures of a device cookie. 'account', 'address' and the two kinds of a network count only
            -- clients without one.
            'device',
            -- Marks a solved challenge as used, so that its solution is accepted only once.
            'challenge'
        )),
    -- A keyed hash of the address that was typed, because users sometimes type a password into the address field.
    key bytea not null
        constraint login_failures_key_size check (octet_length(key) = 32),
    failures bigint not null
        constraint login_failures_counted check (failures >= 0),
    -- The end of the window. Each failure of an account starts a new window.
    expires_at timestamptz not null,
    -- For accounts only: the failures since the last reset, and the time until which every password is refused
    -- (lockout).
    in_a_row bigint not null default 0
        constraint login_failures_counted_in_a_row check (in_a_row >= 0),
    waits_until timestamptz
        constraint login_failures_only_accounts_wait check (waits_until is null or kind = 'account'),
    -- For 'account_and_address' only: the key of the account. The counter's own key is a hash of account and address. A
    -- reset of the account finds the counter by this column.
    account bytea
        constraint login_failures_account_for_its_kind check (account is null or kind = 'account_and_address'),
    constraint login_failures_key primary key (kind, key)
);
create index login_failures_expiry on login_failures (expires_at);
create index login_failures_account on login_failures (account) where account is not null;
grant select, insert, update, delete on login_failures to strongroom_app;
