-- Device cookies carry their account's epoch. A password reset, a password change and the end of all sessions advance it, so
-- that every device cookie issued before them is void.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

alter table users add column device_epoch bigint not null default 0;
grant update (device_epoch) on users to strongroom_app;
