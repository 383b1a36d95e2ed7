-- $1 text: the position of the last read of the change log, '' before the first. The columns: the position of this
-- read, whether everything may have changed, the changed entities (8 bytes each), and why changes may go unreported.
-- See migrations/functions/04_change_log.sql.
select reached, everything, keys_pack(keys), unreliable from change_log_since($1)
