-- $1 bigint: the cards of one article's related list as finished JSON, best first.
select v.card
from article_related r
join article_views v on v.article_id = r.related_id and v.card is not null
where r.article_id = $1
order by r.rank
