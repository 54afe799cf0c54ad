-- Administration. The service's own role may write nobody's role or status; what administrators do to accounts are functions
-- that ask by themselves whether he is an administrator. So a service that forgot to ask changes nothing. A query that was
-- injected into it could name one: against that there is no SQL made of text.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- The list of users, newest first.
create index users_newest on users (created_at desc, id desc);

-- Whether this user is an administrator, now. Every statement of an administrator asks it.
create function is_active_admin(who uuid) returns boolean
language sql stable set search_path = '' as $$
    select exists (select from public.users u where u.id = who and u.role = 'admin' and u.status = 'active')
$$;
revoke all on function is_active_admin(uuid) from public;
grant execute on function is_active_admin(uuid) to strongroom_app;

-- Disables or enables a user and says what came of it: done, missing, own_account, or forbidden. Nobody disables himself, and
-- whoever acts is active, so one active administrator is always left. The trigger on users ends the sessions of whoever is
-- disabled.
create function admin_set_status(admin uuid, target uuid, wanted text) returns text
language plpgsql security definer set search_path = '' as $$
begin
    -- Always in this order: two who disable each other wait for each other, and the second is no administrator any more.
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
revoke all on function admin_set_status(uuid, uuid, text) from public;
grant execute on function admin_set_status(uuid, uuid, text) to strongroom_app;

-- Which user an administrator asked for in vain, and who asked for one without being an administrator.
insert into classified_objects (kind, relation, holder) values ('user', 'public.users', 'id');
grant select (id) on users to strongroom_classifier;
