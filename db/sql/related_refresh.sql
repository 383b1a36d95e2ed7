-- $1 integer: works off the queue of related lists, up to so many articles; returns how many, 0
-- where there is nothing to do.
select related_refresh_aside($1)::integer
