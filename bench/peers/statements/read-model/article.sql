-- $1 bigint: a whole article as finished JSON, whatever its status; no row for an id that does not exist.
select status, document
from article_views
where article_id = $1
