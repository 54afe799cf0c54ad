-- Several reset tokens of a user are live at once: a stranger's request must not replace the token in the owner's mailbox. All of
-- them end when one is used, and with a change of the password.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

alter table password_resets drop constraint password_resets_one_a_user;
create index password_resets_user on password_resets (user_id);
revoke update (id, token_hash, created_at, expires_at) on password_resets from strongroom_app;

-- Mails that one network, or one known device, has requested for one mailbox or one mail domain. A shared budget per address
-- would let strangers use it up.
create table mail_budgets (
    -- A keyed hash of kind, origin and recipient: neither addresses nor networks can be read here.
    key bytea not null constraint mail_budgets_key primary key
        constraint mail_budgets_key_size check (octet_length(key) = 32),
    mails bigint not null constraint mail_budgets_counted check (mails > 0),
    expires_at timestamptz not null
);
create index mail_budgets_expiry on mail_budgets (expires_at);
grant select, insert, update, delete on mail_budgets to strongroom_app;

-- Nothing counts mails by recipient any more.
drop index mail_outbox_recipient;
