-- Mail: limits against mail bombing (CWE-770).
set local lock_timeout = '5s';
set local statement_timeout = '60s';

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
