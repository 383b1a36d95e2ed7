-- $1 bigint[]: each article's related list: the ids, and the cards as finished JSON, best first. A list
-- that is stale is joined (migrations/0005_finished.sql), so that an article that was withdrawn can never
-- appear; its id is given all the same, for an answer without it is old when it comes back.
select article_id::bigint, ids, cards
from related_views
where article_id = any ($1) and not exists (select from related_stale)
union all
select article_id, ids, cards
from related_views_now($1)
where exists (select from related_stale)
