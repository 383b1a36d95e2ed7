-- $1 text: the position of the last read of the change log, '' before the first. See
-- migrations/0003_changes.sql.
select reached, everything, ids from change_log_since($1)
