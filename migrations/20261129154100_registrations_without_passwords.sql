-- A registration holds the address and the token's hash. Password, name and bio come with the confirmation, from the person who
-- read the mail: a password stored before that may be an attacker's (account pre-hijacking, CWE-287).
set local lock_timeout = '5s';
set local statement_timeout = '60s';

alter table registrations drop column display_name, drop column bio, drop column password_hash;
