-- The documents of articles, and their cards.
--
--     triggers (functions/11_triggers.sql) --> on_article_rows --> article_views_write
--     db/sql/article_by_id.sql --> the gate is open, and the document is marked --> large_article.sql
--                              --> article_views_now

-- The beginning of both the document and the card of an article.
create or replace function article_head(id bigint, slug text, title text, summary text) returns text
    language sql stable parallel safe
return '{"id":' || id || ',"slug":' || to_json(slug) || ',"title":' || to_json(title)
    || ',"summary":' || text_json(summary);

-- Is the text that is kept the same as the one that is to be kept? A text that PostgreSQL can't read is not: so
-- what is damaged among the finished JSON never keeps an editor from writing, and is replaced.
create or replace function same_text(kept text, fresh text) returns boolean
    language plpgsql stable
as $$
begin
    return kept is not distinct from fresh;
exception when data_corrupted then
    return false;
end
$$;

-- The cards of the published ones among these articles, made from the tables.
create or replace function article_cards_of(wanted bigint[])
    returns table (article_id bigint, section_id bigint, card text)
    language sql stable
    set search_path = public, pg_temp
as $$
    select a.id, a.section_id,
           article_head(a.id, a.slug, a.title, a.summary)
               || ',"image":' || image_json(a.image_url, a.image_alt, a.image_credit, a.image_width, a.image_height)
               || ',"section":' || named_json(s.slug, s.name)
               || ',"published_at":' || rfc3339_json(a.published_at) || '}'
    from (select x.* from articles x where x.id = any (wanted) offset 0) a -- and not all articles of the section
    join sections s on s.id = a.section_id
    where a.status = 'published'
$$;

-- The documents of these articles, made from the tables. depends_on: the section, the authors, the tags, in the order
-- of the document, so that it does not depend on the plan.
create or replace function article_views_of(wanted bigint[])
    returns table (article_id bigint, status text, depends_on bytea, document text)
    language sql stable
    set search_path = public, pg_temp
as $$
    select a.id,
           a.status,
           int8send(section_key(a.section_id)) || coalesce(author.keys, '') || coalesce(tag.keys, ''),
           article_head(a.id, a.slug, a.title, a.summary)
               || ',"body":' || to_json(a.body)
               || ',"image":' || image_json(a.image_url, a.image_alt, a.image_credit, a.image_width, a.image_height)
               || ',"section":' || named_json(s.slug, s.name)
               || ',"authors":[' || coalesce(author.list, '') || ']'
               || ',"tags":[' || coalesce(tag.list, '') || ']'
               || ',"language":' || text_json(a.language)
               || ',"corrections":' || corrections_json(a.corrections)
               || ',"published_at":' || rfc3339_json(a.published_at)
               || ',"updated_at":' || rfc3339_json(a.updated_at)
               || ',"version":' || a.version || '}'
    from (select x.* from articles x where x.id = any (wanted) offset 0) a -- and not all articles of the section
    join sections s on s.id = a.section_id
    cross join lateral (
        select string_agg(named_json(u.slug, u.name), ',' order by au.position) as list,
               string_agg(int8send(author_key(u.id)), '' order by au.position) as keys
        from article_authors au
        cross join lateral (select x.* from authors x where x.id = au.author_id offset 0) u -- and never all authors
        where au.article_id = a.id
    ) author
    cross join lateral (
        select string_agg(named_json(t.slug, t.name), ',' order by t.name collate "C") as list,
               string_agg(int8send(tag_key(t.id)), '' order by t.name collate "C") as keys
        from article_tags at
        cross join lateral (select x.* from tags x where x.id = at.tag_id offset 0) t
        where at.article_id = a.id
    ) tag
$$;

-- Writes the documents and cards of these articles, marks the cards that have changed, and reports the changed
-- entities: the articles, and each listing that has them or had them. Not is_news: the documents only follow a change
-- that was reported before.
--
-- Why an unmarked document cannot stay behind its tables when two transactions run at the same time:
--   * Both change the article, or rows that belong to it. Both lock its row here, then read the tables in a new
--     statement, with a new snapshot. The second one waits for the commit of the first, and reads what the first has
--     written.
--   * One changes a name, and the other one changes an article that has the name. Neither waits. The change of the name
--     leaves a mark, which stays until all transactions have ended that were under way when it was first read
--     (stale_names in functions/08_stale.sql). The document is then written again.
-- Above read committed, a statement reads with the snapshot of its transaction, which may be too old. So there an
-- existing document is only marked, and a new one is written and marked.
create or replace function article_views_write(changed bigint[], is_news boolean default true) returns void
    language plpgsql
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off -- the plans may be older than the archive
as $$
declare
    keeps_snapshot boolean := current_setting('transaction_isolation') <> 'read committed';
    cards bigint[];
    listings bigint[];
begin
    if changed is null then
        return;
    end if;
    if keeps_snapshot then
        perform mark_stale(array(select document_key(c.id) from unnest(changed) c (id)));
        perform change_log_add(array(select article_key(c.id) from unnest(changed) c (id)) || entity_key(9, 0));
        changed := array(select c.id from unnest(changed) c (id)
                         where not exists (select from article_views v where v.article_id = c.id));
    end if;
    perform from article_views where article_id = any (changed) order by article_id for update;

    with before as materialized (
        select v.article_id, v.status, v.depends_on from article_views v where v.article_id = any (changed)
    ), fresh as materialized (
        select * from article_views_of(changed)
    ), fresh_card as materialized (
        select * from article_cards_of(changed)
    ), card as ( -- a new article is on no list, unless this transaction has added it
        select f.article_id
        from fresh f
        left join fresh_card n on n.article_id = f.article_id
        left join lateral (select x.card from article_cards x where x.article_id = f.article_id offset 0) c on true
        where not same_text(c.card, n.card)
          and (exists (select from before b where b.article_id = f.article_id)
               or exists (select from article_related r where r.related_id = f.article_id offset 0))
    ), listing as (
        select distinct listing_key(k.key) as key
        from (select b.depends_on from before b where b.status = 'published'
              union all
              select f.depends_on from fresh f where f.status = 'published') v
        cross join unnest(keys_unpack(v.depends_on)) k (key)
    ), withdrawn as (
        delete from article_cards
        where article_id = any (array(
            select f.article_id from fresh f
            where not exists (select from fresh_card n where n.article_id = f.article_id)))
    ), view as (
        insert into article_views
        select f.* from fresh f order by f.article_id
        on conflict (article_id) do update
            set status = excluded.status, depends_on = excluded.depends_on, document = excluded.document
            where (article_views.status, article_views.depends_on) <> (excluded.status, excluded.depends_on)
               or not same_text(article_views.document, excluded.document)
    ), carded as (
        insert into article_cards
        select n.* from fresh_card n order by n.article_id
        on conflict (article_id) do update
            set section_id = excluded.section_id, card = excluded.card
            where article_cards.section_id <> excluded.section_id
               or not same_text(article_cards.card, excluded.card)
    )
    select array(select article_key(c.article_id) from card c), array(select l.key from listing l)
    into cards, listings;

    perform mark_stale(cards);
    if is_news then
        perform change_log_add(array(select article_key(c.id) from unnest(changed) c (id))
            || case when cardinality(listings) > 200 then array[entity_key(9, 0)]
                    when cardinality(listings) > 0 then listings || entity_key(5, 0)
                    else '{}' end);
    end if;
end
$$;

-- These articles as in article_views, while the gate of the documents is open: the marked ones are read from the
-- tables. The function is in plpgsql because plpgsql keeps the plans.
create or replace function article_views_now(wanted bigint[]) returns setof article_views
    language plpgsql stable
    security definer
    set search_path = public, pg_temp
    set enable_seqscan = off -- the plans may be made while there are few marks
as $$
declare
    stale bigint[] := array(
        select v.article_id
        from article_views v
        where v.article_id = any (wanted)
          and exists (
            select from stale_marks m where m.key = any (keys_unpack(v.depends_on) || document_key(v.article_id))));
begin
    return query
        select v.* from article_views v where v.article_id = any (wanted) and v.article_id <> all (stale)
        union all
        select f.* from article_views_of(stale) f;
end
$$;
