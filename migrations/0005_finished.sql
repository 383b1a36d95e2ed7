-- What readers get is finished when it is written: an article is one row, and so is a related list.
--
--     articles, names: a statement --> article_views    the article as JSON, and its card
--                                  --> related_stale    where the card has changed
--     article_related: a statement --> related_stale    (related_refresh writes the lists that it makes)
--     related_refresh              --> related_views    the cards of a list as JSON
--                                      related_stale    is worked off
--
-- A list is finished unless it, or an article in it, is in related_stale: then its cards are joined when
-- it is read (db/sql/related_by_id.sql). So a change is seen in every list from its commit on, and costs
-- its transaction one row, in however many lists the article is; the lists follow in small steps.

-- +migrate Up

-- All at once, in the order in which readers and writers take them. A list that somebody changes
-- meanwhile would be finished without the change, and not marked.
lock table articles, article_authors, article_tags, article_views, article_related in access exclusive mode;

-- ---- articles

drop function article_views_of(bigint[]);
drop table article_views;

-- An article as its readers get it, with the keys in the order of the contract; and its card, null
-- unless it is published.
create table article_views (
    article_id bigint primary key references articles on delete cascade,
    status     text not null,
    card       text,
    document   text not null
) with (toast_tuple_target = 4096);

-- ---- lists

-- The related list of an article as its readers get it; no row for an empty one. No foreign key: a row
-- goes when the rows of article_related have gone.
create table related_views (
    article_id bigint primary key,
    ids        bytea not null, -- of all in the list, 8 bytes each, also of those without a card
    cards      text            -- {...},{...}: of those that have one, best first; null for none
) with (fillfactor = 80);

-- Articles whose list, and mostly whose card too, may have changed since the related_views that show it
-- were written. Rows are only ever added, and taken away by related_views_refresh(): a row that is there
-- already may be about to go for what was changed before.
create table related_stale (
    article_id bigint not null,
    -- The lists that show it are done up to that of this article; the greatest of all: they are not
    -- concerned, for the article's own list is all that has changed.
    done_to    bigint not null default 0
) with (autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0); -- every reader looks here
create index on related_stale (article_id);

-- Smaller, and faster to read again, than PostgreSQL's own compression; not every server has it.
-- +migrate StatementBegin
do $$
begin
    alter table article_views alter document set compression lz4;
    alter table related_views alter cards set compression lz4;
exception when feature_not_supported then
    null;
end
$$;
-- +migrate StatementEnd

-- The views of some articles, as article_views has them, out of the tables.
-- +migrate StatementBegin
create function article_views_of(wanted bigint[]) returns setof article_views
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

-- Writes the views of these articles anew, marks the lists of those whose card is another now, and says
-- that they changed. Why a view can't stay behind its tables: migrations/0003_changes.sql.
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

-- The lists of some articles, as related_views has them, out of the tables.
-- +migrate StatementBegin
create function related_views_of(wanted bigint[]) returns setof related_views
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

-- The lists of some articles while any article is marked: as related_views has them, but for those that
-- are stale, which are joined. In plpgsql, which keeps the plans.
-- +migrate StatementBegin
create function related_views_now(wanted bigint[]) returns setof related_views
    language plpgsql stable
    set enable_seqscan = off -- plans may be made while hardly any article is marked
as $$
declare
    stale bigint[] := array(
        select w.id
        from unnest(wanted) w (id)
        where exists (select from related_stale s where s.article_id = w.id)
           or exists (
            select from related_stale s
            where s.article_id = any (
                    array(select r.related_id from article_related r where r.article_id = w.id))
              and s.done_to < w.id));
begin
    return query
        select v.* from related_views v where v.article_id = any (wanted) and v.article_id <> all (stale)
        union all
        select f.* from related_views_of(stale) f;
end
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create function related_views_write(lists bigint[]) returns void
    language plpgsql
    -- whatever the caller has set: each row is looked up by its key
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
        set ids = excluded.ids, cards = excluded.cards
        where (related_views.ids, related_views.cards) is distinct from (excluded.ids, excluded.cards);
end
$$;
-- +migrate StatementEnd

-- Marks these articles' own lists.
-- +migrate StatementBegin
create function related_mark(lists bigint[]) returns void
    language sql volatile
begin atomic
    insert into related_stale (article_id, done_to) select l.id, 9223372036854775807 from unnest(lists) l (id);
end;
-- +migrate StatementEnd

-- Writes the views of the lists that this transaction has made, and of up to max_lists that are stale.
-- Returns how many of the latter; 0: there is none for this caller now. Nobody waits: where somebody else
-- is at it, the lists made here are marked, for whoever comes next.
--
-- Why no list that is not marked can show an old card, or old ids:
--   * Who changes a card or a list marks it in the same transaction. So whoever sees the change sees the
--     mark too, until one who writes views has taken it away.
--   * Those come one after the other: the lock is held until the transaction ends. So each sees what all
--     before him have written, and what he reads after he has the lock is what he writes.
--   * A mark that he sees is his own, or of a transaction that has committed. He writes what he reads
--     then, which is that change or a later one. A change that commits after he has read has a mark of
--     its own, which he does not see, and leaves.
--   * A list that an article enters while its card changes: either the list is read when the card's
--     change has committed, and has the new card; or the change commits later, with a mark that the next
--     one sees, and then he sees that the article is in the list.
-- In isolation levels above read committed nothing is read anew after the lock, so that all that can be
-- done is to mark.
-- +migrate StatementBegin
create function related_views_refresh(max_lists integer) returns integer
    language plpgsql as $$
declare
    lists bigint[] := array(
        select l.article_id from change_log l where l.xid = pg_current_xact_id_if_assigned());
    showing bigint[];
    mark record;
    n integer := 0;
begin
    if cardinality(lists) = 0 and not exists (select from related_stale) then
        return 0;
    end if;
    if current_setting('transaction_isolation') <> 'read committed' or not related_try_lock(5) then
        perform related_mark(lists);
        return 0;
    end if;

    for mark in select s.ctid, s.article_id, s.done_to from related_stale s loop
        exit when n >= max_lists;
        showing := array(
            select r.article_id from article_related r
            where r.related_id = mark.article_id and r.article_id > mark.done_to
            order by r.article_id
            limit max_lists - n);
        if cardinality(showing) = max_lists - n then -- there may be more
            update related_stale set done_to = showing[cardinality(showing)] where ctid = mark.ctid;
        else
            delete from related_stale where ctid = mark.ctid;
        end if;
        lists := lists || showing || mark.article_id;
        n := n + cardinality(showing) + 1;
    end loop;
    perform related_views_write(array(select distinct unnest(lists)));
    return n;
end
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function related_refresh(max_articles integer) returns integer
    language plpgsql
    set broadsheet.lists = 'later' -- their views are written at the end, and need no marks
as $$
declare
    nread integer;
    nmade integer;
begin
    if max_articles is null or max_articles < 1 then
        raise exception 'related_refresh takes 1 article or more, not %', max_articles;
    end if;
    nread := related_read(max_articles);
    -- Others can't see yet what was read here: lists that depend on it wait for the next call, all but
    -- those of the articles themselves.
    nmade := related_list(max_articles, case when nread > 0 then 0 else 2 end);
    -- The JSON of a list is little work beside the list.
    return greatest(nread, nmade, related_views_refresh(greatest(max_articles, 200)));
end
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

-- A related list has changed.
-- +migrate StatementBegin
create or replace function on_related_rows() returns trigger
    language plpgsql as $$
declare
    changed bigint[];
begin
    if tg_op = 'INSERT' then
        select array_agg(distinct article_id) into changed from after_rows;
    elsif tg_op = 'DELETE' then
        select array_agg(distinct article_id) into changed from before_rows;
    else
        select array_agg(article_id) into changed
        from (select article_id from before_rows union select article_id from after_rows) r;
    end if;
    if changed is not null and current_setting('broadsheet.lists', true) is distinct from 'later' then
        perform related_mark(changed);
    end if;
    perform change_log_add(changed);
    return null;
end
$$;
-- +migrate StatementEnd

-- Where all is gone at once nothing is left to name: article 0 stands for every one. Cards have no authors
-- and no tags.
-- +migrate StatementBegin
create or replace function on_truncated() returns trigger
    language plpgsql as $$
begin
    if tg_relid = 'article_related'::regclass then
        truncate related_views, related_stale;
    else
        update article_views v
        set document = fresh.document
        from article_views_of(array(select id from articles)) fresh
        where fresh.article_id = v.article_id and v.document is distinct from fresh.document;
    end if;
    perform change_log_add('{0}');
    return null;
end
$$;
-- +migrate StatementEnd

-- ---- what is there already

insert into article_views
select * from article_views_of((select array_agg(id) from articles)) fresh order by fresh.article_id;

analyze article_views;
insert into related_views
select * from related_views_of((select array_agg(id) from articles)) fresh order by fresh.article_id;

-- +migrate Down
drop function related_views_refresh(integer);
drop function related_mark(bigint[]);
drop function related_views_write(bigint[]);
drop function related_views_now(bigint[]);
drop function related_views_of(bigint[]);
drop function article_views_of(bigint[]);
drop table related_stale;
drop table related_views;
drop table article_views;

-- As in 0003_changes.sql and 0004_related_text.sql, which say more about them.
create table article_views (
    article_id bigint primary key references articles on delete cascade,
    card       text,
    head       text not null, -- {"id":...,"summary":...
    tail       text not null  -- ,"section":...,"version":...}
) with (fillfactor = 80, toast_tuple_target = 4096);

-- +migrate StatementBegin
create function article_views_of(wanted bigint[]) returns setof article_views
    language sql stable as $$
    select a.id,
           case when a.status = 'published'
                then part.head || part.section || ',"published_at":' || part.published_at || '}' end,
           part.head,
           part.section
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

-- +migrate StatementBegin
create or replace function articles_changed(changed bigint[]) returns void
    language plpgsql as $$
begin
    if changed is null then
        return;
    end if;
    perform from article_views where article_id = any (changed) order by article_id for update;

    insert into article_views
    select * from article_views_of(changed) fresh order by fresh.article_id
    on conflict (article_id) do update
        set card = excluded.card, head = excluded.head, tail = excluded.tail
        where (article_views.card, article_views.head, article_views.tail)
            is distinct from (excluded.card, excluded.head, excluded.tail);

    perform change_log_add(changed);
end
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function related_refresh(max_articles integer) returns integer
    language plpgsql as $$
declare
    nread integer;
begin
    if max_articles is null or max_articles < 1 then
        raise exception 'related_refresh takes 1 article or more, not %', max_articles;
    end if;
    nread := related_read(max_articles);
    -- Others can't see yet what was read here: lists that depend on it wait for the next call, all but
    -- those of the articles themselves.
    return greatest(nread, related_list(max_articles, case when nread > 0 then 0 else 2 end));
end
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function related_refresh_aside(max_articles integer) returns integer
    language plpgsql as $$
begin
    lock table articles, article_tags, article_related, related_queue in row exclusive mode nowait;
    return related_refresh(max_articles);
end
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function on_related_rows() returns trigger
    language plpgsql as $$
declare
    changed bigint[];
begin
    if tg_op = 'INSERT' then
        select array_agg(distinct article_id) into changed from after_rows;
    elsif tg_op = 'DELETE' then
        select array_agg(distinct article_id) into changed from before_rows;
    else
        select array_agg(article_id) into changed
        from (select article_id from before_rows union select article_id from after_rows) r;
    end if;
    perform change_log_add(changed);
    return null;
end
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create or replace function on_truncated() returns trigger
    language plpgsql as $$
begin
    update article_views v
    set card = fresh.card, head = fresh.head, tail = fresh.tail
    from article_views_of(array(select id from articles)) fresh
    where fresh.article_id = v.article_id
      and (v.card, v.head, v.tail) is distinct from (fresh.card, fresh.head, fresh.tail);
    perform change_log_add('{0}');
    return null;
end
$$;
-- +migrate StatementEnd

insert into article_views
select * from article_views_of((select array_agg(id) from articles)) fresh order by fresh.article_id;
