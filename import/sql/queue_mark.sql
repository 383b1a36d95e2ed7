-- A number that changes with the remaining work; 0 when no work is left. Articles that failed are tried later.
select coalesce(sum(id), 0) + (select count(*) from stale_marks where retry_at <= clock_timestamp())
from related_queue where id > $1
