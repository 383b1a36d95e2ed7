-- A number that changes whenever the queue does; 0 where it is empty.
select coalesce(sum(id), 0) from related_queue where id > $1
