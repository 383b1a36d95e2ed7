-- $1 bigint[]: whole articles as finished JSON (migrations/0008_cards.sql), whatever their status; no row
-- for an id that does not exist.
select article_id::bigint, status, document
from article_views
where article_id = any ($1)
