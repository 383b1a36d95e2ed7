-- $1 bigint[]: the related list of each article: the entities that it depends on, and the cards as
-- finished JSON, the best first. A list that is stale is made from the tables.
select article_id::bigint,
       array(select card.id * 16 + 1
             from (select ('x' || encode(substring(ids from 8 * i + 1 for 8), 'hex'))::bit(64)::bigint as id, i
                   from generate_series(0, octet_length(ids) / 8 - 1) i) card
             order by card.i) as depends_on,
       cards
from (select article_id, ids, cards
      from related_views
      where article_id = any ($1) and not exists (select from related_stale)
      union all
      select article_id, ids, cards
      from related_views_now($1)
      where exists (select from related_stale)) list
