-- $1 text: a notification of our own. It must arrive on this connection.
select pg_notify('broadsheet_changes', $1)
