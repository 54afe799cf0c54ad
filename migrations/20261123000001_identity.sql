-- Who may use the service, and how they prove it.
--
-- These tables have no row-level security: they are read before there is a caller (to find out who is calling).
-- Their statements are few, all in features/auth/store.rs and features/users/store.rs, and scoped there.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- The service's own role. It owns nothing, may not bypass row-level security, and can do only what is granted below.
do $$
begin
    if not exists (select from pg_roles where rolname = 'strongroom_app') then
        create role strongroom_app nologin;
    end if;
end
$$;

revoke all on schema public from public;
grant usage on schema public to strongroom_app;
-- Readiness compares what is applied with what this build needs.
grant select on _sqlx_migrations to strongroom_app;

create table users (
    id uuid primary key,
    -- Kept in lower case, so that one address is one account.
    email text not null constraint users_email_unique unique
        constraint users_email_form check (email = lower(email) and char_length(email) between 3 and 100),
    display_name text not null
        constraint users_display_name_length check (char_length(display_name) between 1 and 100),
    bio text
        constraint users_bio_length check (char_length(bio) <= 500),
    -- A PHC string: algorithm, parameters, salt and hash. Never a password.
    password_hash text not null
        constraint users_password_hash_form check (password_hash like '$argon2id$%'),
    role text not null default 'user'
        constraint users_role_known check (role in ('user', 'admin')),
    status text not null default 'active'
        constraint users_status_known check (status in ('active', 'disabled')),
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
grant select, delete on users to strongroom_app;
-- A new user has the defaults' role and status: the service cannot write another, whatever a request says (S28).
grant insert (id, email, display_name, bio, password_hash, created_at, updated_at) on users to strongroom_app;
-- Not id, not created_at; the role changes by command line only, under the owner's role.
grant update (email, display_name, bio, password_hash, version, updated_at) on users to strongroom_app;

-- A wish to join. It becomes a user when its mail is answered, so an unanswered one blocks no address and
-- nobody can take an address by asking first.
create table registrations (
    id uuid primary key,
    email text not null,
    display_name text not null,
    bio text,
    password_hash text not null,
    -- SHA-256 of the token in the mail.
    token_hash bytea not null constraint registrations_token_unique unique
        constraint registrations_token_size check (octet_length(token_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index registrations_expiry on registrations (expires_at);
grant select, insert, delete on registrations to strongroom_app;

create table password_resets (
    id uuid primary key,
    -- One a user: a new one replaces the last, also of two at once.
    user_id uuid not null constraint password_resets_one_a_user unique
        constraint password_resets_user references users (id) on delete cascade,
    token_hash bytea not null constraint password_resets_token_unique unique
        constraint password_resets_token_size check (octet_length(token_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index password_resets_expiry on password_resets (expires_at);
grant select, insert, delete on password_resets to strongroom_app;
grant update (id, token_hash, created_at, expires_at) on password_resets to strongroom_app;

-- One sign-in. An ended session is kept until no access token of it can be alive, so that every replica can
-- learn of it; the user may be gone by then.
create table sessions (
    id uuid primary key,
    user_id uuid constraint sessions_user references users (id) on delete set null,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    -- The absolute end: copied to nothing and never moved.
    expires_at timestamptz not null,
    ended_at timestamptz,
    -- What the user sees in the list of sessions.
    client text not null constraint sessions_client_length check (char_length(client) <= 200),
    address text not null constraint sessions_address_length check (char_length(address) <= 45)
);
create index sessions_user on sessions (user_id);
create index sessions_ended on sessions (ended_at) where ended_at is not null;
create index sessions_expiry on sessions (expires_at);
grant select, insert, delete on sessions to strongroom_app;
grant update (last_used_at, ended_at) on sessions to strongroom_app;

-- Every replica hears of an ended session when its transaction commits.
create function announce_ended_session() returns trigger
language plpgsql set search_path = '' as $$
begin
    perform pg_catalog.pg_notify('session_ended', new.id::text);
    return null;
end
$$;
create trigger sessions_announce_end after update of ended_at on sessions
    for each row when (old.ended_at is null and new.ended_at is not null)
    execute function announce_ended_session();

-- A user who is disabled or deleted, by whatever hand, loses his sessions in the same transaction. Left to each
-- place that does it, it would be forgotten in one of them.
create function end_sessions_of_gone_user() returns trigger
language plpgsql set search_path = '' as $$
begin
    update public.sessions set ended_at = pg_catalog.clock_timestamp() where user_id = old.id and ended_at is null;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;
create trigger users_end_sessions_when_disabled before update of status on users
    for each row when (new.status <> 'active')
    execute function end_sessions_of_gone_user();
-- Before, because the deletion itself unties the sessions from their user.
create trigger users_end_sessions_when_deleted before delete on users
    for each row execute function end_sessions_of_gone_user();

create table refresh_tokens (
    -- SHA-256 of the cookie's value.
    token_hash bytea primary key
        constraint refresh_tokens_size check (octet_length(token_hash) = 32),
    session_id uuid not null constraint refresh_tokens_session references sessions (id) on delete cascade,
    issued_at timestamptz not null,
    -- The idle end. The absolute one is the session's.
    expires_at timestamptz not null,
    used_at timestamptz
);
create index refresh_tokens_session on refresh_tokens (session_id);
grant select, insert, delete on refresh_tokens to strongroom_app;
grant update (used_at) on refresh_tokens to strongroom_app;

-- Failed sign-ins, counted in fixed windows. The key is a keyed hash: people type passwords into the name field.
create table failed_sign_ins (
    kind text not null
        constraint failed_sign_ins_kind_known check (kind in ('account', 'address', 'pair')),
    key bytea not null
        constraint failed_sign_ins_key_size check (octet_length(key) = 32),
    failures bigint not null
        constraint failed_sign_ins_counted check (failures > 0),
    expires_at timestamptz not null,
    constraint failed_sign_ins_key primary key (kind, key)
);
create index failed_sign_ins_expiry on failed_sign_ins (expires_at);
grant select, insert, update, delete on failed_sign_ins to strongroom_app;

-- Mail that was promised in the same transaction as its cause. It holds no secret: the worker derives the
-- token from `subject_id` when it sends.
create table mail_outbox (
    id uuid primary key,
    kind text not null constraint mail_outbox_kind_known check (kind in (
        'confirm_registration', 'already_registered', 'reset_password', 'password_changed',
        'session_stolen', 'account_deleted'
    )),
    recipient text not null
        constraint mail_outbox_recipient_length check (char_length(recipient) <= 100),
    subject_id uuid not null,
    created_at timestamptz not null,
    next_attempt_at timestamptz not null,
    attempts integer not null default 0,
    sent_at timestamptz
);
create index mail_outbox_due on mail_outbox (next_attempt_at) where sent_at is null;
create index mail_outbox_recipient on mail_outbox (recipient, created_at);
grant select, insert, delete on mail_outbox to strongroom_app;
grant update (next_attempt_at, attempts, sent_at) on mail_outbox to strongroom_app;
