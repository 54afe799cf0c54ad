-- What each stored hash costs to verify: memory in KiB times passes, as its PHC string says. A sign-in reads the largest value of
-- all accounts and does that work for unknown names too. So a change of the argon2 cost does not tell who has an account.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- The table is rewritten once; a first release has no large one.
-- squawk-ignore adding-field-with-default
alter table users add column password_work bigint generated always as (
    substring(password_hash from '[$]m=([0-9]{1,9}),')::bigint * substring(password_hash from ',t=([0-9]{1,9}),')::bigint
) stored;
create index users_password_work on users (password_work);
