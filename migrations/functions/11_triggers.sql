-- The effects of a change, in the transaction of the change. Triggers are for each statement, so a thousand rows in one
-- statement cost one call.
--
--     articles, article_authors, article_tags --> on_article_rows   --> documents, cards, change log
--                                             --> on_related_source --> the queue of related lists
--     sections, authors, tags                 --> on_name_rows      --> marks, change log
--     article_related                         --> on_related_rows   --> marks, change log
--     truncate                                --> on_rows_truncated

-- Articles, or rows that belong to them, have changed. The arguments: the column of the article's id, the column of an
-- entity on whose listing the article is, and the kind of that entity.
--
-- A session that writes many articles, each of them in several statements, may set `set broadsheet.documents =
-- 'later'`, so that not every statement writes the documents. It then calls article_views_write() before it commits.
create or replace function on_article_rows() returns trigger
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
declare
    changed bigint[];
    left_listings bigint[] := '{}';
begin
    if tg_op = 'INSERT' then
        execute format('select array_agg(distinct %I) from after_rows', tg_argv[0]) into changed;
    elsif tg_op = 'DELETE' then
        -- When the article is deleted, its document is deleted too, and does not show any more on which listings the
        -- article was.
        execute format('select array_agg(distinct %I), array_agg(distinct listing_key(entity_key(%s, %I))) from before_rows',
                       tg_argv[0], tg_argv[2], tg_argv[1])
            into changed, left_listings;
    else
        execute format(
            'select array_agg(id)'
            ' from (select %1$I as id from before_rows union select %1$I from after_rows) r', tg_argv[0])
            into changed;
    end if;
    if changed is null then
        return null;
    end if;
    if tg_op = 'INSERT' and tg_table_name = 'articles' and current_setting('transaction_isolation') <> 'read committed'
    then
        -- This old snapshot may still show the document of an article that had the same id and that others have
        -- deleted. article_views_write would then write no document. So the transaction fails here with 40001.
        perform from article_views where article_id = any (changed) for update;
    end if;
    if cardinality(left_listings) > 0 then
        perform change_log_add(case when cardinality(left_listings) > 200 then array[entity_key(9, 0)]
                                    else left_listings || entity_key(5, 0) end);
    end if;
    if current_setting('broadsheet.documents', true) = 'later' then
        perform change_log_add(array(select article_key(c.id) from unnest(changed) c (id)));
    else
        perform article_views_write(changed);
    end if;
    return null;
end
$$;

-- Sections, authors or tags were inserted, renamed or deleted, or have another slug. The argument: their kind.
-- Documents and cards with the name are marked, by one row for each name; the related worker writes them.
create or replace function on_name_rows() returns trigger
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
declare
    kind constant integer := tg_argv[0];
    changed bigint[];
begin
    if tg_op = 'INSERT' then
        select array_agg(entity_key(kind, n.id)) into changed from after_rows n;
    elsif tg_op = 'DELETE' then
        select array_agg(entity_key(kind, o.id)) into changed from before_rows o;
    else
        select array_agg(entity_key(kind, r.id)) into changed
        from (select id, slug, name from after_rows except select id, slug, name from before_rows) r;
        perform mark_stale(changed);
        if changed is not null then
            changed := changed || entity_key(9, 0); -- any listing may show the name
        end if;
    end if;
    perform change_log_add(changed);
    return null;
end
$$;

-- Related lists have changed.
create or replace function on_related_rows() returns trigger
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
declare
    changed bigint[];
begin
    if tg_op = 'INSERT' then
        select array_agg(distinct article_id) into changed from after_rows;
    elsif tg_op = 'DELETE' then
        select array_agg(distinct article_id) into changed from before_rows;
        -- Lists that an article has left because it was deleted are made again.
        insert into related_queue (article_id, needs_reading, turn)
        select distinct o.article_id, false, 1
        from before_rows o
        where not exists (select from articles a where a.id = o.related_id offset 0)
          and exists (select from articles a where a.id = o.article_id offset 0)
        order by o.article_id;
    else
        select array_agg(article_id) into changed
        from (select article_id from before_rows union select article_id from after_rows) r;
    end if;
    if changed is not null and current_setting('broadsheet.lists', true) is distinct from 'later' then
        perform mark_stale(array(select list_key(c.id) from unnest(changed) c (id)));
    end if;
    perform change_log_add(array(select article_key(c.id) from unnest(changed) c (id)));
    return null;
end
$$;

-- All rows of a table are deleted at once, so there is no entity to report.
create or replace function on_rows_truncated() returns trigger
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
begin
    if tg_table_name = 'articles' then
        truncate article_terms, related_terms, related_languages, related_queue, related_failures, related_views,
            stale_marks;
    elsif tg_table_name = 'article_related' then
        truncate related_views;
    else
        delete from article_views;
        insert into article_views select * from article_views_of(array(select id from articles)) v order by v.article_id;
        insert into article_cards select * from article_cards_of(array(select id from articles)) c order by c.article_id;
    end if;
    perform change_log_add('{0}');
    return null;
end
$$;

-- The source of the related lists has changed.
create or replace function on_related_source() returns trigger
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
declare
    written bigint[];
begin
    if tg_table_name = 'article_tags' then
        if tg_op = 'INSERT' then
            select array_agg(distinct article_id) into written from after_rows;
        elsif tg_op = 'DELETE' then
            select array_agg(distinct article_id) into written from before_rows;
        else
            select array_agg(distinct coalesce(n.article_id, o.article_id)) into written
            from before_rows o
            full join after_rows n on n.article_id = o.article_id and n.tag_id = o.tag_id
            where n.article_id is null or o.article_id is null;
        end if;
        select array_agg(a.id) into written
        from articles a where a.id = any (written) and a.status = 'published';
    elsif tg_op = 'INSERT' then
        select array_agg(n.id) into written from after_rows n where n.status = 'published';
    elsif tg_op = 'DELETE' then
        select array_agg(o.id) into written from before_rows o where o.status = 'published';
    else
        select array_agg(coalesce(n.id, o.id)) into written
        from before_rows o
        full join after_rows n on n.id = o.id
        where 'published' in (o.status, n.status)
          and (o.status, o.section_id, o.published_at, o.language, o.title, o.summary, o.body)
              is distinct from (n.status, n.section_id, n.published_at, n.language, n.title, n.summary, n.body);
    end if;
    if written is not null then
        perform related_queue_written(written);
    end if;
    return null;
end
$$;

-- Another usual language: all articles are read again.
create or replace function on_related_settings() returns trigger
    language plpgsql
    set search_path = public, pg_temp
as $$
begin
    if new.language is distinct from old.language then
        perform related_queue_all();
    end if;
    return null;
end
$$;

create or replace trigger sections_name before insert or update of name, slug on sections
    for each row execute function on_name_written();
create or replace trigger authors_name before insert or update of name, slug on authors
    for each row execute function on_name_written();
create or replace trigger tags_name before insert or update of name, slug on tags
    for each row execute function on_name_written();
create or replace trigger related_language after update on related_settings
    for each row execute function on_related_settings();

-- Each table has the same triggers: one each for insert, update and delete, because a trigger with transition tables is
-- for one event; and one for truncate.
do $$
declare
    t record;
    event record;
begin
    for t in
        select * from (values
            ('sections',        'on_name_rows(2)'),
            ('authors',         'on_name_rows(3)'),
            ('tags',            'on_name_rows(4)'),
            ('articles',        'on_article_rows(id, section_id, 2)'),
            ('article_authors', 'on_article_rows(article_id, author_id, 3)'),
            ('article_tags',    'on_article_rows(article_id, tag_id, 4)'),
            ('article_related', 'on_related_rows()')) x (name, function)
    loop
        for event in
            select * from (values
                ('insert', 'referencing new table as after_rows'),
                ('update', 'referencing old table as before_rows new table as after_rows'),
                ('delete', 'referencing old table as before_rows')) x (name, tables)
        loop
            execute format('create or replace trigger %I after %s on public.%I %s for each statement execute function %s',
                           t.name || '_' || event.name, event.name, t.name, event.tables, t.function);
            if t.name in ('articles', 'article_tags') then
                execute format('create or replace trigger %I after %s on public.%I %s for each statement'
                               ' execute function on_related_source()',
                               'related_' || event.name, event.name, t.name, event.tables);
            end if;
        end loop;
        execute format('create or replace trigger %I after truncate on public.%I'
                       ' for each statement execute function on_rows_truncated()', t.name || '_truncate', t.name);
    end loop;
end
$$;
