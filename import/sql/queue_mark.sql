-- A number that changes as the work that is left does; 0 where there is none.
select coalesce(sum(id), 0) + (select count(*) from related_stale) from related_queue where id > $1
