-- Identity: users, registrations, password resets, sessions and refresh tokens.
--
-- The identity tables have no row-level security, because the service reads them before it knows who the caller is.
-- They store tokens as SHA-256 hashes, so a copy of the database contains no usable token.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table users (
    id uuid primary key,
    -- In lower case, so that Ann@example.com and ann@example.com cannot become two accounts.
    email text not null constraint users_email_unique unique
        constraint users_email_form check (email = lower(email) and char_length(email) between 3 and 100),
    display_name text not null
        constraint users_display_name_length check (char_length(display_name) between 1 and 100),
    bio text
        constraint users_bio_length check (char_length(bio) <= 500),
    -- A PHC string, which contains algorithm, parameters, salt and hash. The check refuses a plain password.
    password_hash text not null
        constraint users_password_hash_form check (password_hash like '$argon2id$%'),
    -- The work of verifying the hash: the memory in KiB, multiplied by the number of passes.
    -- Every login does as much work as the highest value in this column, even if the address is unknown.
    -- So response times do not reveal which accounts exist (user enumeration).
    password_work bigint generated always as (
        substring(password_hash from '[$]m=([0-9]{1,9}),')::bigint * substring(password_hash from ',t=([0-9]{1,9}),')::bigint
    ) stored,
    role text not null default 'user'
        constraint users_role_known check (role in ('user', 'admin')),
    status text not null default 'active'
        constraint users_status_known check (status in ('active', 'disabled')),
    -- A device cookie contains this epoch, and is valid only while the epoch is the same.
    -- A password reset, a password change and the end of all sessions increment the epoch.
    device_epoch bigint not null default 0,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index users_newest on users (created_at desc, id desc);
create index users_password_work on users (password_work);
-- Finds the throw-away users of the console's attack panel.
create index users_of_attacks on users (created_at desc, id desc) where email like '%@attacks.invalid';
grant select, delete on users to strongroom_app;
-- Mass assignment (API3:2023): the service has no right to write role or status.
-- The command line sets the role as the schema's owner, and admin_set_status() sets the status.
grant insert (id, email, display_name, bio, password_hash, created_at, updated_at) on users to strongroom_app;
grant update (email, display_name, bio, password_hash, device_epoch, version, updated_at) on users to strongroom_app;

-- Registrations that are not confirmed yet. The person who reads the mail enters password and name.
-- If a registration contained a password, an attacker could register another person's address and choose the password.
-- After that person's confirmation, the attacker could log in to the account (CWE-287).
-- Several registrations can have the same address, so an attacker cannot reserve the address of another person.
create table registrations (
    id uuid primary key,
    email text not null,
    token_hash bytea not null constraint registrations_token_unique unique
        constraint registrations_token_size check (octet_length(token_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index registrations_expiry on registrations (expires_at);
grant select, insert, delete on registrations to strongroom_app;

-- A user can have several valid tokens. Otherwise an attacker could invalidate the user's token by requesting a reset.
-- A change of the password deletes all tokens of the user.
create table password_resets (
    id uuid primary key,
    user_id uuid not null constraint password_resets_user references users (id) on delete cascade,
    token_hash bytea not null constraint password_resets_token_unique unique
        constraint password_resets_token_size check (octet_length(token_hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index password_resets_of_user on password_resets (user_id);
create index password_resets_expiry on password_resets (expires_at);
grant select, insert, delete on password_resets to strongroom_app;

-- The row of an ended session remains until its last access token has expired, because the replicas need it to reject
-- the access tokens. The sessions of a deleted user remain for the same reason.
create table sessions (
    id uuid primary key,
    user_id uuid constraint sessions_user references users (id) on delete set null,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    -- The end of the session's absolute timeout. No statement changes this end.
    expires_at timestamptz not null,
    ended_at timestamptz,
    -- The id of the transaction that set ended_at. It shows a replica which sessions ended since its last read.
    -- ended_at does not suffice, because a transaction can commit long after it has set ended_at.
    ended_by_transaction xid8,
    -- The list of sessions shows client and address, so that users recognize their own devices.
    client text not null constraint sessions_client_length check (char_length(client) <= 200),
    address text not null constraint sessions_address_length check (char_length(address) <= 45)
);
create index sessions_of_user on sessions (user_id);
create index sessions_ended_by on sessions (ended_by_transaction) where ended_by_transaction is not null;
create index sessions_expiry on sessions (expires_at);
grant select, insert, delete on sessions to strongroom_app;
grant update (last_used_at, ended_at) on sessions to strongroom_app;

create function stamp_ended_session() returns trigger
language plpgsql set search_path = '' as $$
begin
    new.ended_by_transaction := pg_catalog.pg_current_xact_id();
    return new;
end
$$;
create trigger sessions_stamp_end before update of ended_at on sessions
    for each row when (old.ended_at is null and new.ended_at is not null)
    execute function stamp_ended_session();

-- Notifies all replicas. A replica that misses the notification finds the ended session in its next read.
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

-- Every statement that disables or deletes a user ends all sessions of this user in the same transaction.
create function end_sessions_of_user() returns trigger
language plpgsql set search_path = '' as $$
begin
    update public.sessions set ended_at = pg_catalog.clock_timestamp() where user_id = old.id and ended_at is null;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;
create trigger users_end_sessions_when_disabled before update of status on users
    for each row when (new.status <> 'active')
    execute function end_sessions_of_user();
-- BEFORE, because the deletion sets the user_id of the sessions to null. Then the function would not find the sessions.
create trigger users_end_sessions_when_deleted before delete on users
    for each row execute function end_sessions_of_user();

create table refresh_tokens (
    token_hash bytea primary key
        constraint refresh_tokens_size check (octet_length(token_hash) = 32),
    session_id uuid not null constraint refresh_tokens_session references sessions (id) on delete cascade,
    issued_at timestamptz not null,
    -- The end of the session's idle timeout.
    expires_at timestamptz not null,
    -- A used token is not deleted, so that its second use (replay) is recognized and ends the session.
    used_at timestamptz
);
create index refresh_tokens_of_session on refresh_tokens (session_id);
grant select, insert, delete on refresh_tokens to strongroom_app;
grant update (used_at) on refresh_tokens to strongroom_app;

-- Broken function-level authorization (API5:2023): the functions for administrators check the role with this function.
-- So a handler that forgets to check the role returns no data and changes nothing.
create function is_active_admin(candidate uuid) returns boolean
language sql stable set search_path = '' as $$
    select exists (select from public.users u where u.id = candidate and u.role = 'admin' and u.status = 'active')
$$;
grant execute on function is_active_admin(uuid) to strongroom_app;

-- Disables or enables a user. Returns done, missing, own_account or forbidden.
-- Administrators cannot disable themselves, so that at least one active administrator remains.
create function admin_set_status(admin uuid, target uuid, wanted text) returns text
language plpgsql security definer set search_path = '' as $$
begin
    -- Locks the rows of all administrators, in one order, so that calls cannot deadlock.
    -- If two administrators disable each other, the second call waits, and then returns forbidden.
    perform from public.users u where u.role = 'admin' and u.status = 'active' order by u.id for no key update;
    if not public.is_active_admin(admin) then
        return 'forbidden';
    end if;
    if target = admin and wanted <> 'active' then
        return 'own_account';
    end if;
    update public.users set status = wanted where id = target;
    return case when found then 'done' else 'missing' end;
end
$$;
grant execute on function admin_set_status(uuid, uuid, text) to strongroom_app;
