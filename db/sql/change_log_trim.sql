-- $1 text: an interval. Rows of the change log that are older go.
select change_log_trim($1::interval)
