-- Cards in a table of their own: readers of articles don't need them, and an archive that is larger than
-- PostgreSQL's memory is read from there by so much more often, the less there is beside the documents.
--
--     articles_changed --> article_views    the article as JSON           (article_by_id.sql)
--                      --> article_cards    its card, if it is published --> related_views_of

-- +migrate Up

-- All at once, as in migrations/0005_finished.sql; lists before views, as readers take them.
lock table articles, article_authors, article_tags, article_related, article_views in access exclusive mode;

-- A new table, for a column that is dropped would keep its room.
drop function article_views_of(bigint[]);
alter table article_views rename to article_views_before;
alter index article_views_pkey rename to article_views_before_pkey;
alter table article_views_before drop constraint article_views_article_id_fkey;
create table article_views (
    article_id bigint primary key references articles on delete cascade,
    status     text not null,
    document   text not null
) with (toast_tuple_target = 4096);
-- +migrate StatementBegin
do $$
begin
    alter table article_views alter document set compression lz4;
exception when feature_not_supported then
    null;
end
$$;
-- +migrate StatementEnd
insert into article_views select article_id, status, document from article_views_before order by article_id;

-- With this key a deletion comes to the view first and then to the card, as everybody does who changes them.
create table article_cards (
    article_id bigint primary key references article_views on delete cascade,
    card       text not null
);
insert into article_cards select article_id, card from article_views_before where card is not null order by article_id;
drop table article_views_before;

-- Not where there is nothing: sessions that saw tables said to be empty would keep plans that read them whole.
-- +migrate StatementBegin
do $$
begin
    if exists (select from article_views) then
        analyze article_views, article_cards;
    end if;
end
$$;
-- +migrate StatementEnd

-- A list is written seldom, and read often.
alter table related_views reset (fillfactor);

-- The views of some articles, and their cards, null unless they are published; out of the tables.
-- +migrate StatementBegin
create function article_views_of(wanted bigint[])
    returns table (article_id bigint, status text, card text, document text)
    language sql stable as $$
    select a.id,
           a.status,
           case when a.status = 'published'
                then part.head || part.section || ',"published_at":' || part.published_at || '}' end,
           part.head
               || ',"body":' || to_json(a.body)
               || part.section
               || ',"authors":[' || coalesce(author.list, '') || ']'
               || ',"tags":[' || coalesce(tag.list, '') || ']'
               || ',"published_at":' || part.published_at
               || ',"updated_at":' || rfc3339_json(a.updated_at)
               || ',"version":' || a.version || '}'
    from articles a
    join sections s on s.id = a.section_id
    cross join lateral (
        select string_agg(named_json(u.slug, u.name), ',' order by au.position) as list
        from article_authors au
        join authors u on u.id = au.author_id
        where au.article_id = a.id
    ) author
    cross join lateral (
        select string_agg(named_json(t.slug, t.name), ',' order by t.name collate "C") as list
        from article_tags at
        join tags t on t.id = at.tag_id
        where at.article_id = a.id
    ) tag
    cross join lateral (
        select '{"id":' || a.id
                   || ',"slug":' || to_json(a.slug::text)
                   || ',"title":' || to_json(a.title)
                   || ',"summary":' || coalesce(to_json(a.summary)::text, 'null') as head,
               ',"section":' || named_json(s.slug, s.name) as section,
               rfc3339_json(a.published_at) as published_at
    ) part
    where a.id = any (wanted)
$$;
-- +migrate StatementEnd

-- As before. Who changes a card holds the row of its article in article_views: what 0003_changes.sql says of
-- the view holds for the card.
-- +migrate StatementBegin
create or replace function articles_changed(changed bigint[]) returns void
    language plpgsql as $$
begin
    if changed is null then
        return;
    end if;
    perform from article_views where article_id = any (changed) order by article_id for update;

    with fresh as materialized (
        select * from article_views_of(changed)
    ), stale as ( -- an article that is new is in no list, unless in one that this transaction wrote
        insert into related_stale (article_id)
        select f.article_id
        from fresh f
        left join article_cards c on c.article_id = f.article_id
        where c.card is distinct from f.card
          and (exists (select from article_views v where v.article_id = f.article_id)
               or exists (select from article_related r where r.related_id = f.article_id))
    ), withdrawn as (
        delete from article_cards
        where article_id = any (array(select f.article_id from fresh f where f.card is null))
    ), carded as (
        insert into article_cards
        select f.article_id, f.card from fresh f where f.card is not null order by f.article_id
        on conflict (article_id) do update
            set card = excluded.card
            where article_cards.card <> excluded.card
    )
    insert into article_views
    select f.article_id, f.status, f.document from fresh f order by f.article_id
    on conflict (article_id) do update
        set status = excluded.status, document = excluded.document
        where (article_views.status, article_views.document) <> (excluded.status, excluded.document);

    perform change_log_add(changed);
end
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function related_views_of(wanted bigint[]) returns setof related_views
    language sql stable as $$
    select r.article_id,
           string_agg(int8send(r.related_id), '' order by r.rank),
           string_agg(c.card, ',' order by r.rank)
    from article_related r
    left join article_cards c on c.article_id = r.related_id
    where r.article_id = any (wanted)
    group by r.article_id
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function related_refresh_aside(max_articles integer) returns integer
    language plpgsql as $$
begin
    lock table articles, article_tags, article_views, article_cards, article_related, related_queue,
        related_views, related_stale in row exclusive mode nowait;
    return related_refresh(max_articles);
end
$$;
-- +migrate StatementEnd

-- +migrate Down
lock table articles, article_authors, article_tags, article_related, article_views, article_cards
    in access exclusive mode;
alter table related_views set (fillfactor = 80);

-- The functions as in 0005_finished.sql, which says more about them. article_views_of can stay.
alter table article_views rename to article_views_after;
alter index article_views_pkey rename to article_views_after_pkey;
alter table article_views_after drop constraint article_views_article_id_fkey;
create table article_views (
    article_id bigint primary key references articles on delete cascade,
    status     text not null,
    card       text,
    document   text not null
) with (toast_tuple_target = 4096);
-- +migrate StatementBegin
do $$
begin
    alter table article_views alter document set compression lz4;
exception when feature_not_supported then
    null;
end
$$;
-- +migrate StatementEnd
insert into article_views
select v.article_id, v.status, c.card, v.document
from article_views_after v
left join article_cards c on c.article_id = v.article_id
order by v.article_id;
drop table article_cards;
drop table article_views_after;

-- +migrate StatementBegin
create or replace function articles_changed(changed bigint[]) returns void
    language plpgsql as $$
begin
    if changed is null then
        return;
    end if;
    perform from article_views where article_id = any (changed) order by article_id for update;

    with fresh as materialized (
        select * from article_views_of(changed)
    ), stale as (
        insert into related_stale (article_id)
        select f.article_id
        from fresh f
        left join article_views v on v.article_id = f.article_id
        where v.card is distinct from f.card
          and (v.article_id is not null
               or exists (select from article_related r where r.related_id = f.article_id))
    )
    insert into article_views
    select * from fresh order by fresh.article_id
    on conflict (article_id) do update
        set status = excluded.status, card = excluded.card, document = excluded.document
        where (article_views.status, article_views.card, article_views.document)
            is distinct from (excluded.status, excluded.card, excluded.document);

    perform change_log_add(changed);
end
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function related_views_of(wanted bigint[]) returns setof related_views
    language sql stable as $$
    select r.article_id,
           string_agg(int8send(r.related_id), '' order by r.rank),
           string_agg(v.card, ',' order by r.rank)
    from article_related r
    left join article_views v on v.article_id = r.related_id
    where r.article_id = any (wanted)
    group by r.article_id
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function related_refresh_aside(max_articles integer) returns integer
    language plpgsql as $$
begin
    lock table articles, article_tags, article_views, article_related, related_queue, related_views,
        related_stale in row exclusive mode nowait;
    return related_refresh(max_articles);
end
$$;
-- +migrate StatementEnd
