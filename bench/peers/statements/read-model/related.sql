-- $1 bigint: one row, the cards of one article's related list as finished JSON, best first: {...},{...}, or null for
-- none. A list that is stale is joined, as in db/sql/related_by_id.sql.
select (
    select cards
    from related_views
    where article_id = $1 and not exists (select from related_stale)
    union all
    select cards
    from related_views_now(array[$1::bigint])
    where exists (select from related_stale)
) as cards
