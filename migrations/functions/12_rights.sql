-- Not everybody may run a function with the rights of the owner: migrations/grants gives it to roles.
do $$
declare
    f record;
begin
    for f in
        select p.oid::regprocedure as name
        from pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.prosecdef and p.prorettype <> 'trigger'::regtype
          and p.proowner = current_user::regrole
          and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    loop
        execute format('revoke execute on function %s from public', f.name);
    end loop;
end
$$;
