-- A number that falls with the remaining work; 0 when no work is left. Articles that failed are tried later.
select count(*) + count(*) filter (where needs_reading)
    + (select count(*) from stale_marks where retry_at <= clock_timestamp())
from related_queue where id > $1
