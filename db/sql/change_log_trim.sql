-- $1 text: an interval. Removes the rows of the change log that are older, and returns their number.
select change_log_trim($1::interval)
