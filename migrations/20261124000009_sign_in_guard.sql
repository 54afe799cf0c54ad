-- The sign-in guard: waits that grow, networks that spray, a ceiling that only a reset lifts, devices that are known.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

alter table failed_sign_ins
    drop constraint failed_sign_ins_kind_known,
    drop constraint failed_sign_ins_counted,
    add constraint failed_sign_ins_kind_known check (kind in (
        -- Of one identifier, from clients that we do not know: its waits, and the run of failures that has a ceiling.
        'account', 'unknown',
        -- The same run, from devices that are known.
        'known',
        -- Of one identifier from one place: an address, a device, or a session.
        'pair',
        -- From one address; one identifier from one network, and how many there are of these.
        'address', 'name', 'network',
        -- The one attempt that a network has every few seconds once its address is full, and the one of those who have worked for
        -- it. It ends when the next may be made.
        'trickle', 'worked',
        -- A challenge that was solved and used, until it would have ended anyway.
        'challenge'
    )),
    -- A success takes back what its own place has added, down to nothing.
    add constraint failed_sign_ins_counted check (failures >= 0),
    -- Until when an account's unknown clients wait.
    add column held_until timestamptz
        constraint failed_sign_ins_only_accounts_wait check (held_until is null or kind = 'account');

alter table mail_outbox
    drop constraint mail_outbox_kind_known,
    add constraint mail_outbox_kind_known check (kind in (
        'confirm_registration', 'already_registered', 'reset_password', 'password_changed',
        'session_stolen', 'account_deleted', 'account_locked'
    ));
