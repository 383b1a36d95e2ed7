-- The server of a connection, and how many connections its user may have in this database. It needs no object of our
-- schema. "identity" is 'SYSTEM/TIMELINE/DATABASE/primary' or '.../standby': a promoted server has another timeline
-- than the server that it followed.
select concat_ws('/',
           (select system_identifier from pg_control_system()),
           case when pg_is_in_recovery() then (select timeline_id::text from pg_control_checkpoint())
                else left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) end,
           d.oid,
           case when pg_is_in_recovery() then 'standby' else 'primary' end) as identity,
       least(current_setting('max_connections')::integer
                 - current_setting('superuser_reserved_connections')::integer
                 - coalesce(current_setting('reserved_connections', true)::integer, 0),
             nullif(d.datconnlimit, -1),
             nullif(r.rolconnlimit, -1)) as allowed
from pg_database d
left join pg_roles r on r.rolname = session_user
where d.datname = current_database()
