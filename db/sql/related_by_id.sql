-- $1 bigint[]: each article's related list, best first: ids, and cards as finished JSON. The cards are
-- joined here and not kept with the list, so that an article that was withdrawn, whose card is null, can
-- never appear; its id is given all the same, for an answer without it is old when it comes back.
select r.article_id::bigint, v.article_id::bigint, v.card
from article_related r
join article_views v on v.article_id = r.related_id
where r.article_id = any ($1)
order by r.article_id, r.rank
