-- Mail: a transactional outbox, and limits against mail bombing (CWE-770).
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- A mail is queued in the transaction that causes it. The row contains no secret: when the worker sends the mail, it
-- derives the token of a link from subject_id.
create table mail_outbox (
    id uuid primary key,
    kind text not null constraint mail_outbox_kind_known check (kind in (
        'confirm_registration', 'already_registered', 'reset_password', 'password_changed',
        'session_stolen', 'account_deleted', 'account_locked', 'alert'
    )),
    recipient text not null
        constraint mail_outbox_recipient_length check (char_length(recipient) <= 100),
    subject_id uuid not null,
    -- The id of the master key from which the token is derived. The link must work even if the master key is rotated
    -- before the mail is sent.
    key_id bytea constraint mail_outbox_key_id_size check (octet_length(key_id) = 4),
    created_at timestamptz not null,
    next_attempt_at timestamptz not null,
    attempts integer not null default 0,
    sent_at timestamptz
);
create index mail_outbox_due on mail_outbox (next_attempt_at) where sent_at is null;
grant select, insert, delete on mail_outbox to strongroom_app;
grant update (next_attempt_at, attempts, sent_at) on mail_outbox to strongroom_app;

-- Counts the mails that one network, or one known device, has requested for one mailbox or one mail domain. With a
-- single budget for each recipient, an attacker could exhaust it and so block the recipient's mails.
create table mail_budgets (
    -- A keyed hash of kind, origin and recipient. It reveals neither addresses nor networks.
    key bytea not null constraint mail_budgets_key primary key
        constraint mail_budgets_key_size check (octet_length(key) = 32),
    mails bigint not null constraint mail_budgets_counted check (mails > 0),
    expires_at timestamptz not null
);
create index mail_budgets_expiry on mail_budgets (expires_at);
grant select, insert, update, delete on mail_budgets to strongroom_app;
