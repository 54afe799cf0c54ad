-- The outbox: queues of mails, of alert messages and of stored files that must be deleted.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- The transaction that causes a message also inserts its row, and a worker delivers the message at least once.
-- The row contains no secret: the worker derives the token of a link when it sends the mail.
-- The table has no row-level security, because the workers read due rows of all users.
-- Rows remain when a user is deleted, so that the last mail is sent and the files are deleted.
create table outbox (
    -- A receiver recognizes a duplicate by this id. For a stored file, the id is the storage key.
    id uuid primary key,
    -- Each queue has its own worker. A message about an alert is inserted once for each configured sink (log, slack,
    -- webhook, mail).
    queue text not null constraint outbox_queue_known
        check (queue in ('mail', 'log', 'slack', 'webhook', 'blob_deletion')),
    kind text not null constraint outbox_kind_known check (kind in (
        'confirm_registration', 'already_registered', 'reset_password', 'password_changed',
        'session_stolen', 'account_deleted', 'account_locked',
        -- Messages about an alert.
        'opened', 'continues', 'cleared',
        -- A stored file that must be deleted.
        'blob'
    )),
    -- The e-mail address of the recipient; empty for other queues.
    recipient text not null default ''
        constraint outbox_recipient_length check (char_length(recipient) <= 100),
    -- For a mail: the registration or password reset whose token it contains, or the user that it is about.
    -- For a stored file: the user who uploaded it.
    subject_id uuid,
    -- The id of the master key for the token, so that the link also works after a key rotation.
    key_id bytea constraint outbox_key_id_size check (octet_length(key_id) = 4),
    -- For a message about an alert: the alert, and its count when the message was inserted.
    alert_id uuid constraint outbox_alert references alerts (id) on delete cascade,
    count bigint,
    created_at timestamptz not null,
    -- The time of the next attempt. During a delivery, it is the end of the lease, after which another worker may try.
    next_attempt_at timestamptz not null,
    attempts integer not null default 0,
    done_at timestamptz,
    given_up_at timestamptz,
    constraint outbox_one_subject check (num_nonnulls(subject_id, alert_id) = 1),
    constraint outbox_alert_counted check ((alert_id is null) = (count is null)),
    constraint outbox_one_end check (done_at is null or given_up_at is null)
);
create index outbox_due on outbox (queue, next_attempt_at) where done_at is null;
create index outbox_age on outbox (created_at);
create index outbox_of_alert on outbox (alert_id) where alert_id is not null;
grant select, insert, delete on outbox to strongroom_app;
-- Content and recipient of a message never change.
grant update (next_attempt_at, attempts, done_at, given_up_at) on outbox to strongroom_app;
