-- An administrator who unlocks an account lifts it from everywhere: a name at one place is counted under the hash of both, from
-- which the name cannot be found, so its row says whose it is.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- The account's own key, a keyed hash like the others. Null for what was counted before, which ends by itself.
alter table failed_sign_ins
    add column account bytea constraint failed_sign_ins_only_pairs_have_one check (account is null or kind = 'pair');
create index failed_sign_ins_account on failed_sign_ins (account) where account is not null;
