-- Related lists as their readers get them.
--
--     related_write_lists (functions/09_related.sql) --> stale_work --> related_views_write
--     db/sql/related_by_id.sql --> the gate is open --> related_views_now

-- The lists of these articles as in related_views, made from the stored cards.
create or replace function related_views_of(wanted bigint[]) returns setof related_views
    language sql stable
    set search_path = public, pg_temp
as $$
    select r.article_id,
           keys_pack(array_agg(article_key(r.related_id) order by r.rank)
               || coalesce(array_agg(distinct section_key(c.section_id)) filter (where c.section_id is not null), '{}')),
           string_agg(c.card, ',' order by r.rank)
    from article_related r
    left join article_cards c on c.article_id = r.related_id
    where r.article_id = any (wanted)
    group by r.article_id
$$;

-- The same, made from the tables: a marked card may be behind them.
create or replace function related_views_fresh(wanted bigint[]) returns setof related_views
    language plpgsql stable
    set search_path = public, pg_temp
    set enable_seqscan = off
as $$
declare
    shown bigint[] := array(
        select distinct r.related_id from article_related r where r.article_id = any (wanted));
begin
    return query
        select r.article_id,
               keys_pack(array_agg(article_key(r.related_id) order by r.rank)
                   || coalesce(array_agg(distinct section_key(c.section_id)) filter (where c.section_id is not null), '{}')),
               string_agg(c.card, ',' order by r.rank)
        from article_related r
        left join article_cards_of(shown) c on c.article_id = r.related_id
        where r.article_id = any (wanted)
        group by r.article_id;
end
$$;

-- The lists of these articles while the gate of the lists is open. The marked lists, and the lists that show a marked
-- entity, are read from the tables. When the document of an article is marked, its card may be old too.
create or replace function related_views_now(wanted bigint[]) returns setof related_views
    language plpgsql stable
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off -- the plans may be made while there are few marks
as $$
declare
    stale bigint[] := array(
        select w.id
        from unnest(wanted) w (id)
        left join related_views v on v.article_id = w.id
        where exists (
            select from stale_marks m
            where m.key = any (keys_unpack(coalesce(v.depends_on, '')) || list_key(w.id) || array(
                    select document_key(k.key / 16)
                    from unnest(keys_unpack(v.depends_on)) k (key) where k.key % 16 = 1))
              and (m.key % 16 <> 1 or m.done_to < w.id))); -- the lists up to done_to show the new card
begin
    return query
        select v.* from related_views v where v.article_id = any (wanted) and v.article_id <> all (stale)
        union all
        select f.* from related_views_fresh(stale) f;
end
$$;

create or replace function related_views_write(lists bigint[]) returns void
    language plpgsql
    set search_path = public, pg_temp
    -- independent of the caller's settings: each row is looked up by its key
    set enable_nestloop = on
    set enable_sort = on
    set enable_seqscan = off
    set enable_hashjoin = off
    set enable_mergejoin = off
    set jit = off
as $$
begin
    delete from related_views v
    where v.article_id = any (lists)
      and not exists (select from article_related r where r.article_id = v.article_id);

    insert into related_views
    select * from related_views_of(lists) fresh order by fresh.article_id
    on conflict (article_id) do update
        set depends_on = excluded.depends_on, cards = excluded.cards
        where related_views.depends_on <> excluded.depends_on
           or not same_text(related_views.cards, excluded.cards);
end
$$;

-- The same for a list that could not be written because a card on it is damaged: the cards on it are made anew
-- from the tables. The lock keeps others from writing these cards meanwhile, as in article_views_write.
create or replace function related_views_repair(list bigint) returns void
    language plpgsql
    set search_path = public, pg_temp
as $$
declare
    shown bigint[] := array(select r.related_id from article_related r where r.article_id = list);
begin
    perform from article_views where article_id = any (shown) order by article_id for update;
    delete from article_cards where article_id = any (shown);
    insert into article_cards select * from article_cards_of(shown) c order by c.article_id;
    perform related_views_write(array[list]);
end
$$;
