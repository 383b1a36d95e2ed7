-- $1 text: an interval. Deletes the rows of the change log that are older; returns how many.
select change_log_trim($1::interval)
