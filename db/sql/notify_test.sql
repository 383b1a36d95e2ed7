-- $1 text: comes back on this connection as a notification, if it hears any.
select pg_notify('broadsheet_changes', $1)
