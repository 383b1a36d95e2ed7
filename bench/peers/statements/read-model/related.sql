-- $1 bigint: one row: the cards of one article's related list as finished JSON, best first ({...},{...}), or null for
-- none. While the gate of the lists is open, a list that is marked is read from the tables, as in
-- db/sql/related_by_id.sql.
select (
    select v.cards
    from related_views v
    where v.article_id = $1
      and not (select g.is_open from stale_gates g where g.gate = 'lists' order by g.id desc limit 1)
    union all
    select v.cards
    from related_views_now(array[$1::bigint]) v
    where (select g.is_open from stale_gates g where g.gate = 'lists' order by g.id desc limit 1)
) as cards
