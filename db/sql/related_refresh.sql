-- $1 integer: makes related lists from the queue, for at most so many articles. "done" is their number,
-- 0 where nothing is left; "failed" has the articles that made PostgreSQL fail, and "reason" says why the
-- first one did.
select related_refresh_aside($1)::integer as done, null::bigint[] as failed, null::text as reason
