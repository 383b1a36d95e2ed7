-- What follows from a change, in the transaction that makes it:
--
--     articles, article_authors, article_tags,      --> article_views    what readers get, as JSON
--     sections, authors, tags: a statement          --> change_log       whose answers are old now
--                                                   --> NOTIFY           look into the log
--     article_related: a statement                  --> change_log, NOTIFY
--
-- Statement-level triggers, so that a thousand rows in one statement cost one call. PostgreSQL folds
-- the equal notifications of a transaction into one.

-- +migrate Up

-- A body of some 6 kB stays with its row, compressed, which saves a look-up in TOAST. Rows that are
-- there already move when they are written next.
alter table articles set (toast_tuple_target = 4096);

-- ---- the change log

-- The articles that each transaction changed: their text, their names, their list; also ones that
-- are gone; 0 is every article. Read by what has become visible between two snapshots, never by an
-- order of rows: so nothing that commits late is skipped.
create table change_log (
    xid        xid8   not null default pg_current_xact_id(),
    article_id bigint not null,
    primary key (xid, article_id)
);

-- How far back the log reaches: what was visible in `trimmed` may be gone.
create table change_log_floor (
    only_row boolean     primary key default true check (only_row),
    trimmed  pg_snapshot not null default pg_current_snapshot(),
    next     pg_snapshot not null default pg_current_snapshot(),
    taken_at timestamptz not null default clock_timestamp()
);
insert into change_log_floor default values;

-- Does the log still have all that has committed since a snapshot? It does when the snapshot is not
-- older than the floor, that is, when all that the floor saw was visible in it too.
-- +migrate StatementBegin
create function change_log_reaches(since pg_snapshot) returns boolean
    language sql stable
begin atomic
    select pg_snapshot_xmax(since) >= pg_snapshot_xmax(trimmed)
       and not exists (
           select from pg_snapshot_xip(since) x (xid) where pg_visible_in_snapshot(x.xid, trimmed))
    from change_log_floor;
end;
-- +migrate StatementEnd

-- Keeps the log short: what was visible a while ago goes, and a while is never less than `keep`. So
-- the log has the changes of two such whiles at most, and of transactions that are still open.
-- Returns how many rows went. One at a time; where another one is at it, 0 at once.
-- +migrate StatementBegin
create function change_log_trim(keep interval) returns bigint
    language plpgsql as $$
declare
    gone bigint;
begin
    perform from change_log_floor where taken_at <= clock_timestamp() - keep for update skip locked;
    if not found then
        return 0;
    end if;
    update change_log_floor
    set trimmed = next, next = pg_current_snapshot(), taken_at = clock_timestamp();
    delete from change_log
    using change_log_floor f
    where xid < pg_snapshot_xmax(f.trimmed) and pg_visible_in_snapshot(xid, f.trimmed);
    get diagnostics gone = row_count;
    return gone;
end
$$;
-- +migrate StatementEnd

-- What a server has not seen of the log. since: the position of its last read, '' before the first.
-- One row: the position of this read; 1 where anything may have changed since the last; otherwise
-- the articles that have, 8 bytes each.
--
-- A position is a snapshot and a history. What this read sees and the snapshot of the last one did
-- not is exactly what has committed between the two, whenever it began: nothing is skipped, nothing
-- comes twice. The history is the line of events to which the snapshot belongs: cluster, timeline,
-- database, and the last recovery from a crash (which statistics do not survive), for a crash may
-- take the newest commits along and give their numbers to others.
--
-- Fails at once (55P03) where somebody has locked the log: who asks four times a second need not
-- stand in a queue, in which those would wait who come after him.
-- +migrate StatementBegin
create function change_log_since(since text, out reached text, out everything integer, out ids bytea)
    language plpgsql as $$
declare
    seen pg_snapshot := nullif(split_part(since, ' ', 1), '')::pg_snapshot;
    now_seen pg_snapshot;
    history text := concat_ws('/',
        (select system_identifier from pg_control_system()),
        case when not pg_is_in_recovery()
             then left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) end,
        (select oid from pg_database where datname = current_database()),
        extract(epoch from pg_stat_get_bgwriter_stat_reset_time()));
    most constant integer := 10000;
    changed bigint[];
begin
    lock table change_log, change_log_floor in access share mode nowait;

    -- In one statement, which is one snapshot. In the order of the index, so that it is used however
    -- long the log is.
    select pg_current_snapshot(), array(
        select l.article_id
        from change_log l
        where l.xid >= pg_snapshot_xmin(seen) and not pg_visible_in_snapshot(l.xid, seen)
        order by l.xid
        limit most + 1)
    into now_seen, changed;

    reached := now_seen || ' ' || history;
    everything := (seen is null
                   or split_part(since, ' ', 2) <> history
                   or pg_snapshot_xmax(seen) > pg_snapshot_xmax(now_seen)
                   or not change_log_reaches(seen)
                   or cardinality(changed) > most
                   or 0 = any (changed))::integer;
    if everything = 0 then
        ids := (select string_agg(int8send(c.id), '') from (select distinct unnest(changed)) c (id));
    end if;
end
$$;
-- +migrate StatementEnd

-- What a server does for related lists at the side: as related_refresh(), but it fails at once
-- (55P03) where it would have to wait for a lock on a table.
-- +migrate StatementBegin
create function related_refresh_aside(max_articles integer) returns integer
    language plpgsql as $$
begin
    lock table articles, article_tags, article_related, related_queue in row exclusive mode nowait;
    return related_refresh(max_articles);
end
$$;
-- +migrate StatementEnd

-- +migrate StatementBegin
create function change_log_add(changed bigint[]) returns void
    language plpgsql as $$
begin
    if changed is null then
        return;
    end if;
    insert into change_log (article_id) select distinct unnest(changed) on conflict do nothing;
    perform pg_notify('broadsheet_changes', '');
end
$$;
-- +migrate StatementEnd

-- ---- the read model

-- An article as its readers get it, but for the body, which stands between head and tail; and its
-- card, null unless it is published. Finished JSON, with the keys in the order of the contract.
create table article_views (
    article_id bigint primary key references articles on delete cascade,
    card       text,
    head       text not null, -- {"id":...,"summary":...
    tail       text not null  -- ,"section":...,"version":...}
) with (fillfactor = 80, toast_tuple_target = 4096);

-- The ids of a related list are read from the index alone.
alter table article_related drop constraint article_related_pkey;
alter table article_related add primary key (article_id, rank) include (related_id);

-- RFC 3339 in UTC, with as much of the fraction as there is: none, milliseconds or microseconds.
-- +migrate StatementBegin
create function rfc3339_json(t timestamptz) returns text
    language sql stable
return '"' || to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
    || case when extract(microseconds from t)::bigint % 1000000 = 0 then ''
            when extract(microseconds from t)::bigint % 1000 = 0 then to_char(t at time zone 'UTC', '.MS')
            else to_char(t at time zone 'UTC', '.US') end
    || 'Z"';
-- +migrate StatementEnd

-- +migrate StatementBegin
create function named_json(slug text, name text) returns text
    language sql stable
return '{"slug":' || to_json(slug) || ',"name":' || to_json(name) || '}';
-- +migrate StatementEnd

-- The views of some articles, as article_views has them, out of the tables.
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

-- Writes the views of these articles anew, and says that they changed.
--
-- Why a view can't stay behind its tables, under any two transactions that change them at once:
--   * The article is there already. Both lock its view, then read the tables in a new statement, with
--     a new snapshot: whoever comes second waits for the first to commit, and reads what it wrote.
--   * The article is new, and one of its names changes meanwhile. Its foreign key takes a share lock
--     on the name, which a change of the name (a unique column) waits for, and the other way round.
--     The keys are checked before triggers of the statement run. So either the change finds the
--     article committed, or the article reads the changed name.
-- In isolation levels above read committed the one that would read too old a state fails instead; a
-- change of a name always (see on_names_updated).
-- +migrate StatementBegin
create function articles_changed(changed bigint[]) returns void
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

-- ---- the triggers

-- The trigger's argument is the column that says which article a row is of. Who writes many
-- articles, each of them in several statements, may say `set broadsheet.views = 'later'` in his
-- session, so that not every statement writes their views; then articles_changed() is his to call
-- before he commits.
-- +migrate StatementBegin
create function on_article_rows() returns trigger
    language plpgsql as $$
declare
    changed bigint[];
begin
    if tg_op = 'INSERT' then
        execute format('select array_agg(distinct %I) from after_rows', tg_argv[0]) into changed;
    elsif tg_op = 'DELETE' then
        execute format('select array_agg(distinct %I) from before_rows', tg_argv[0]) into changed;
    else
        execute format(
            'select array_agg(id)'
            ' from (select %1$I as id from before_rows union select %1$I from after_rows) r', tg_argv[0])
            into changed;
    end if;
    if current_setting('broadsheet.views', true) = 'later' then
        perform change_log_add(changed);
    else
        perform articles_changed(changed);
    end if;
    return null;
end
$$;
-- +migrate StatementEnd

create trigger articles_inserted after insert on articles
    referencing new table as after_rows for each statement execute function on_article_rows('id');
create trigger articles_updated after update on articles
    referencing old table as before_rows new table as after_rows
    for each statement execute function on_article_rows('id');
create trigger articles_deleted after delete on articles
    referencing old table as before_rows for each statement execute function on_article_rows('id');

create trigger article_authors_inserted after insert on article_authors
    referencing new table as after_rows
    for each statement execute function on_article_rows('article_id');
create trigger article_authors_updated after update on article_authors
    referencing old table as before_rows new table as after_rows
    for each statement execute function on_article_rows('article_id');
create trigger article_authors_deleted after delete on article_authors
    referencing old table as before_rows
    for each statement execute function on_article_rows('article_id');

create trigger article_tags_inserted after insert on article_tags
    referencing new table as after_rows
    for each statement execute function on_article_rows('article_id');
create trigger article_tags_updated after update on article_tags
    referencing old table as before_rows new table as after_rows
    for each statement execute function on_article_rows('article_id');
create trigger article_tags_deleted after delete on article_tags
    referencing old table as before_rows
    for each statement execute function on_article_rows('article_id');

-- A section, author or tag has another name or slug. (One that is new or gone has no articles.) The
-- arguments: the column of the articles, in which table, and that table's column of the name.
-- +migrate StatementBegin
create function on_names_updated() returns trigger
    language plpgsql as $$
declare
    renamed bigint[];
    changed bigint[];
begin
    select array_agg(id) into renamed
    from (select id, slug, name from after_rows except select id, slug, name from before_rows) r;
    if renamed is not null then
        -- Articles that were given the name since the snapshot was taken would not be seen.
        if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
            raise exception 'a name can be changed in a transaction that is read committed only'
                using errcode = 'feature_not_supported';
        end if;
        execute format('select array_agg(distinct %I) from %I where %I = any ($1)',
                       tg_argv[0], tg_argv[1], tg_argv[2])
            into changed using renamed;
        perform articles_changed(changed);
    end if;
    return null;
end
$$;
-- +migrate StatementEnd

create index articles_section on articles (section_id);
create index article_authors_author on article_authors (author_id);

create trigger sections_updated after update on sections
    referencing old table as before_rows new table as after_rows
    for each statement execute function on_names_updated('id', 'articles', 'section_id');
create trigger authors_updated after update on authors
    referencing old table as before_rows new table as after_rows
    for each statement execute function on_names_updated('article_id', 'article_authors', 'author_id');
create trigger tags_updated after update on tags
    referencing old table as before_rows new table as after_rows
    for each statement execute function on_names_updated('article_id', 'article_tags', 'tag_id');

-- A related list has changed: its cards are joined when it is read, so there is nothing more to do.
-- +migrate StatementBegin
create function on_related_rows() returns trigger
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

create trigger article_related_inserted after insert on article_related
    referencing new table as after_rows for each statement execute function on_related_rows();
create trigger article_related_updated after update on article_related
    referencing old table as before_rows new table as after_rows
    for each statement execute function on_related_rows();
create trigger article_related_deleted after delete on article_related
    referencing old table as before_rows for each statement execute function on_related_rows();

-- Where all is gone at once nothing is left to name: article 0 stands for every one.
-- +migrate StatementBegin
create function on_truncated() returns trigger
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

create trigger articles_truncated after truncate on articles execute function on_truncated();
create trigger article_authors_truncated after truncate on article_authors execute function on_truncated();
create trigger article_tags_truncated after truncate on article_tags execute function on_truncated();
create trigger article_related_truncated after truncate on article_related execute function on_truncated();

-- ---- what is there already

insert into article_views
select * from article_views_of((select array_agg(id) from articles)) fresh order by fresh.article_id;

-- +migrate Down
drop trigger article_related_truncated on article_related;
drop trigger article_tags_truncated on article_tags;
drop trigger article_authors_truncated on article_authors;
drop trigger articles_truncated on articles;
drop trigger article_related_deleted on article_related;
drop trigger article_related_updated on article_related;
drop trigger article_related_inserted on article_related;
drop trigger tags_updated on tags;
drop trigger authors_updated on authors;
drop trigger sections_updated on sections;
drop trigger article_tags_deleted on article_tags;
drop trigger article_tags_updated on article_tags;
drop trigger article_tags_inserted on article_tags;
drop trigger article_authors_deleted on article_authors;
drop trigger article_authors_updated on article_authors;
drop trigger article_authors_inserted on article_authors;
drop trigger articles_deleted on articles;
drop trigger articles_updated on articles;
drop trigger articles_inserted on articles;
drop index article_authors_author;
drop index articles_section;
drop function on_truncated();
drop function on_related_rows();
drop function on_names_updated();
drop function on_article_rows();
drop function articles_changed(bigint[]);
drop function article_views_of(bigint[]);
drop function named_json(text, text);
drop function rfc3339_json(timestamptz);
alter table article_related drop constraint article_related_pkey;
alter table article_related add primary key (article_id, rank);
drop table article_views;
drop function change_log_add(bigint[]);
drop function related_refresh_aside(integer);
drop function change_log_since(text);
drop function change_log_trim(interval);
drop function change_log_reaches(pg_snapshot);
drop table change_log_floor;
drop table change_log;
alter table articles reset (toast_tuple_target);
