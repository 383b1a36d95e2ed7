-- Related lists from what articles say, beside their tags.
--
--     an article is written (by anybody) --> triggers --> related_queue
--     related_refresh:  related_read   what has been written --> article_terms, related_terms
--                       related_list   lists to be made      --> article_related
--                                        and whose list would the article enter? --> related_queue
--
-- An article is kept as its 128 best terms: words, stemmed and without stop words as PostgreSQL's text
-- search does it for the language of related_settings, and tags. A term keeps the 32 articles in which
-- it weighs most. So a list is found and made by looking at a bounded number of rows, however large the
-- archive is: the articles kept by an article's 64 best terms, of which the best 24 are compared with it
-- in full. The weights are those of BM25; what is near in time counts more, and what came before too.

-- +migrate Up
-- The text search configuration. When it is changed, every article is read again.
create table related_settings (
    only_one boolean primary key default true check (only_one),
    language text    not null default 'english'
);
insert into related_settings default values;

-- Of a published article: its terms in no order, with their weights. A term is a hash, odd for a word
-- and even for a tag. No foreign key: that an article is gone is found out from its row here.
create table article_terms (
    article_id bigint  not null primary key,
    revision   bigint  not null, -- see related_totals
    terms      integer[] not null,
    weights    real[]  not null,
    nterms     integer not null, -- kept or not
    norm       real    not null, -- of the words' weights, as of a vector
    sketch_a   bigint  not null, -- of texts that are alike, most pairs of bits are equal
    sketch_b   bigint  not null,
    title_hash integer not null,
    text_hash  bigint  not null
);

-- Of a term: how many articles have it, and the 32 in which it weighs most, heaviest first.
create table related_terms (
    term      integer  not null primary key,
    narticles bigint   not null,
    articles  bigint[] not null,
    weights   real[]   not null
) with (fillfactor = 70); -- its rows are changed often, and best in place

-- What has been read so far. The revision counts the turns of related_read.
create table related_totals (
    only_one  boolean primary key default true check (only_one),
    narticles bigint  not null default 0,
    nterms    bigint  not null default 0,
    revision  bigint  not null default 0
);
insert into related_totals default values;

-- The revision of the terms from which an article's list was made.
create table related_made (
    article_id bigint not null primary key references articles on delete cascade,
    revision   bigint not null
);

-- The newest of a section fill up the lists that are short.
create index articles_section_newest on articles (section_id, published_at desc, id desc)
    where status = 'published';

-- spread now says that the article itself was written, so that it has to be read; without it, that its
-- list has to be made. turn: 0 what was published, 1 the lists of others that it may enter, 2 what was
-- written in bulk.
alter table related_queue add column turn smallint not null default 0 check (turn between 0 and 2);
drop index related_queue_spread;
create index related_queue_read on related_queue (turn, id) where spread;
create index related_queue_list on related_queue ((article_id % 4), turn, id) where not spread;

drop function related_refresh(integer);
drop function related_touched(bigint[]);
drop function related_lists(bigint[]);
drop function related_weight(bigint);
drop function related_newest(bigint);

-- ---- what has been written

-- More than 50 articles in a statement are a bulk, which waits for what is published meanwhile. What
-- this transaction has queued already is not queued again; of other transactions' rows nothing follows:
-- they may be worked off just now, from what the article said before.
-- +migrate StatementBegin
create function related_queue_written(articles_written bigint[]) returns void
    language sql volatile
begin atomic
    insert into related_queue (article_id, spread, turn)
    select w.id, true, case when cardinality(articles_written) > 50 then 2 else 0 end
    from unnest(articles_written) w (id)
    where not exists (
        select from related_queue q
        where q.article_id = w.id and q.spread and q.xmin = pg_current_xact_id()::xid)
    order by w.id;
end;
-- +migrate StatementEnd

-- +migrate StatementBegin
create function related_on_articles() returns trigger
    language plpgsql as $$
declare
    written bigint[];
begin
    if tg_op = 'INSERT' then
        select array_agg(n.id) into written from new_rows n where n.status = 'published';
    elsif tg_op = 'DELETE' then
        select array_agg(o.id) into written from old_rows o where o.status = 'published';
    else
        select array_agg(coalesce(n.id, o.id)) into written
        from old_rows o
        full join new_rows n on n.id = o.id
        where 'published' in (o.status, n.status)
          and (o.status, o.section_id, o.published_at, o.title, o.summary, o.body)
              is distinct from (n.status, n.section_id, n.published_at, n.title, n.summary, n.body);
    end if;
    if written is not null then
        perform related_queue_written(written);
    end if;
    return null;
end
$$;
-- +migrate StatementEnd
create trigger related_insert after insert on articles
    referencing new table as new_rows
    for each statement execute function related_on_articles();
create trigger related_update after update on articles
    referencing old table as old_rows new table as new_rows
    for each statement execute function related_on_articles();
create trigger related_delete after delete on articles
    referencing old table as old_rows
    for each statement execute function related_on_articles();

-- +migrate StatementBegin
create function related_on_tags() returns trigger
    language plpgsql as $$
declare
    written bigint[];
begin
    if tg_op = 'INSERT' then
        select array_agg(distinct article_id) into written from new_rows;
    elsif tg_op = 'DELETE' then
        select array_agg(distinct article_id) into written from old_rows;
    else
        select array_agg(distinct coalesce(n.article_id, o.article_id)) into written
        from old_rows o
        full join new_rows n on n.article_id = o.article_id and n.tag_id = o.tag_id
        where n.article_id is null or o.article_id is null;
    end if;
    select array_agg(a.id) into written
    from articles a where a.id = any (written) and a.status = 'published';
    if written is not null then
        perform related_queue_written(written);
    end if;
    return null;
end
$$;
-- +migrate StatementEnd
create trigger related_insert after insert on article_tags
    referencing new table as new_rows
    for each statement execute function related_on_tags();
create trigger related_update after update on article_tags
    referencing old table as old_rows new table as new_rows
    for each statement execute function related_on_tags();
create trigger related_delete after delete on article_tags
    referencing old table as old_rows
    for each statement execute function related_on_tags();

-- Lists that an article has left by being deleted.
-- +migrate StatementBegin
create function related_on_cards() returns trigger
    language plpgsql as $$
begin
    insert into related_queue (article_id, spread, turn)
    select distinct o.article_id, false, 1
    from old_rows o
    where not exists (select from articles a where a.id = o.related_id)
      and exists (select from articles a where a.id = o.article_id)
    order by o.article_id;
    return null;
end
$$;
-- +migrate StatementEnd
create trigger related_delete after delete on article_related
    referencing old table as old_rows
    for each statement execute function related_on_cards();

-- +migrate StatementBegin
create function related_on_truncate() returns trigger
    language plpgsql as $$
begin
    truncate article_terms, related_terms, related_queue;
    update related_totals set narticles = 0, nterms = 0;
    return null;
end
$$;
-- +migrate StatementEnd
create trigger related_truncate after truncate on articles
    for each statement execute function related_on_truncate();

-- Another language: all is forgotten, and read again.
-- +migrate StatementBegin
create function related_on_settings() returns trigger
    language plpgsql as $$
begin
    perform new.language::regconfig; -- fails where there is no such configuration
    if new.language is distinct from old.language then
        truncate article_terms, related_terms;
        update related_totals set narticles = 0, nterms = 0;
        insert into related_queue (article_id, spread, turn)
        select id, true, 2 from articles where status = 'published' order by id;
    end if;
    return null;
end
$$;
-- +migrate StatementEnd
create trigger related_language after update on related_settings
    for each row execute function related_on_settings();

-- ---- reading: what an article says

-- How much a term tells. Of those that stand in nearly every article, little.
-- +migrate StatementBegin
create function related_idf(narticles bigint, of_all bigint) returns real
    language sql immutable parallel safe
return ln(1 + (greatest(of_all - narticles, 0) + 0.5::float8) / (narticles + 0.5::float8))::real;
-- +migrate StatementEnd

-- Takes these articles out of the terms. What they had in common with nearly all was not kept, and
-- stays counted.
-- +migrate StatementBegin
create function related_forget(articles_read bigint[]) returns void
    language sql volatile
begin atomic
    with gone as (
        delete from article_terms where article_id = any (articles_read) returning *
    ), term as (
        select x.term, count(*) as n, array_agg(g.article_id) as articles
        from gone g
        cross join unnest(g.terms) x (term)
        group by x.term
    ), total as (
        update related_totals
        set narticles = greatest(related_totals.narticles - g.n, 0),
            nterms = greatest(related_totals.nterms - g.nterms, 0)
        from (select count(*) as n, coalesce(sum(nterms), 0) as nterms from gone) g
        where g.n > 0
    )
    update related_terms t
    set narticles = greatest(t.narticles - term.n, 0),
        articles = array(
            select x.id from unnest(t.articles) with ordinality x (id, n)
            where x.id <> all (term.articles) order by x.n),
        weights = array(
            select x.weight from unnest(t.articles, t.weights) with ordinality x (id, weight, n)
            where x.id <> all (term.articles) order by x.n)
    from term
    where t.term = term.term;
end;
-- +migrate StatementEnd

-- What an article says, as its different terms and how often it has each: the title three times, and of
-- the body no more than a long article has. A tag weighs as a word that is there four times.
-- +migrate StatementBegin
create function related_lexemes(articles_read bigint[], config regconfig)
    returns table (article_id bigint, term integer, n real, nterms integer)
    language sql stable
begin atomic
    with said as materialized (
        select a.id, to_tsvector(config, concat_ws(E'\n', a.title, a.title, a.title, a.summary,
                                                     left(a.body, 65536))) as words
        from articles a
        where a.id = any (articles_read) and a.status = 'published'
    )
    select s.id, hashtext(w.lexeme) | 1, cardinality(w.positions)::real, length(s.words)
    from said s
    cross join unnest(s.words) w
    union all
    select s.id, hashtext(t.tag_id::text) & ~1, null, length(s.words)
    from said s
    join article_tags t on t.article_id = s.id;
end;
-- +migrate StatementEnd

-- Takes these articles, which are not among the terms, into them.
-- +migrate StatementBegin
create function related_learn(articles_read bigint[], config regconfig) returns void
    language sql volatile
begin atomic
    with lexeme as materialized (
        select * from related_lexemes(articles_read, config)
    ), article as materialized (
        select l.article_id, max(l.nterms) as nterms from lexeme l group by l.article_id
    ), total as (
        update related_totals
        set narticles = related_totals.narticles + a.narticles, nterms = related_totals.nterms + a.nterms,
            revision = related_totals.revision + 1
        from (select count(*) as narticles, coalesce(sum(nterms), 0) as nterms from article) a
        returning related_totals.narticles, related_totals.revision,
            greatest(related_totals.nterms, 1)::float8 / greatest(related_totals.narticles, 1) as mean
    ), term as materialized ( -- what is known of each, with these articles counted
        select c.term, c.n + coalesce(t.narticles, 0) as narticles, t.articles, t.weights,
            case when cardinality(t.weights) = 32 then t.weights[32] else 0 end as least,
            related_idf(c.n + coalesce(t.narticles, 0), total.narticles) as idf,
            c.n + coalesce(t.narticles, 0) <= greatest(0.3 * total.narticles, 100) as tells
        from (select l.term, count(*) as n from lexeme l group by l.term) c
        left join related_terms t on t.term = c.term
        cross join total
    ), weighed as materialized (
        select x.*, row_number() over (partition by x.article_id order by x.weight * x.idf desc, x.term) as rank
        from (
            select l.article_id, l.term, term.idf, term.least, (case
                when l.n is null then 4 * 2.2 / (4 + 1.2)
                else l.n * 2.2 / (l.n + 1.2 * (0.5 + 0.5 * l.nterms / total.mean)) end)::real as weight
            from lexeme l
            join term on term.term = l.term and term.tells
            cross join total
        ) x
    ), kept as materialized (
        select * from weighed where rank <= 128
    ), entering as ( -- who may be among the heaviest of a term
        select k.term, k.article_id, k.weight
        from (
            select k.*, row_number() over (partition by k.term order by k.weight desc, k.article_id desc) as place
            from kept k
            where k.weight >= k.least
        ) k
        where k.place <= 32
    ), heaviest as (
        select x.term, array_agg(x.article_id order by x.weight desc, x.article_id desc) as articles,
            array_agg(x.weight order by x.weight desc, x.article_id desc) as weights
        from (
            select e.term, e.article_id, e.weight from entering e
            union all
            select t.term, y.article_id, y.weight
            from term t
            cross join unnest(t.articles, t.weights) y (article_id, weight)
            where t.term in (select e.term from entering e)
        ) x
        group by x.term
    ), remembered as (
        insert into related_terms (term, narticles, articles, weights)
        select t.term, t.narticles, coalesce(h.articles[1:32], t.articles, '{}'), coalesce(h.weights[1:32], t.weights, '{}')
        from term t
        left join heaviest h on h.term = t.term
        on conflict (term) do update
        set narticles = excluded.narticles, articles = excluded.articles, weights = excluded.weights
    ), sketch as ( -- two bits for each of 64 parts of the words: of the least of them there
        select b.article_id, bit_or((b.least & 1)::bigint << b.part) as a,
            bit_or((b.least >> 1 & 1)::bigint << b.part) as b
        from (
            select k.article_id, (k.term >> 1) & 63 as part, min(k.term >> 7) as least
            from kept k
            where k.term & 1 = 1
            group by 1, 2
        ) b
        group by b.article_id
    ), of_article as (
        select k.article_id, array_agg(k.term) as terms, array_agg(k.weight) as weights,
            coalesce(sqrt(sum(k.weight * k.weight) filter (where k.term & 1 = 1)), 0)::real as norm
        from kept k
        group by k.article_id
    )
    insert into article_terms (article_id, revision, terms, weights, nterms, norm, sketch_a, sketch_b,
                               title_hash, text_hash)
    select a.id, total.revision, coalesce(o.terms, '{}'), coalesce(o.weights, '{}'), coalesce(x.nterms, 0),
        coalesce(o.norm, 0), coalesce(s.a, 0), coalesce(s.b, 0), hashtext(lower(a.title)),
        hashtextextended(case when char_length(a.body) >= 200 then a.body
            else concat_ws(E'\n', a.title, a.summary, a.body) end, 0)
    from articles a
    cross join total
    left join article x on x.article_id = a.id
    left join of_article o on o.article_id = a.id
    left join sketch s on s.article_id = a.id
    where a.id = any (articles_read) and a.status = 'published';
end;
-- +migrate StatementEnd

-- ---- lists

-- How much the nearness in time counts for what a reader of one article would want beside it: half at
-- six years, and less for what came later, for stories lead back more than they lead on.
-- +migrate StatementBegin
create function related_nearness(of_article timestamptz, of_related timestamptz) returns float8
    language sql immutable parallel safe
return case when of_related > of_article then 0.75 else 1 end
    / sqrt(1 + abs(extract(epoch from of_related - of_article)::float8) / (2 * 365.25 * 86400));
-- +migrate StatementEnd

-- Are two texts the same story, sent again or brought up to date?
-- +migrate StatementBegin
create function related_is_twin(likeness float8, same_title boolean, same_text boolean) returns boolean
    language sql immutable parallel safe
return same_text or coalesce(likeness, 0) >= case when same_title then 0.5 else 0.8 end;
-- +migrate StatementEnd

-- Those who might be in the lists of some articles, with what they count there, and what the article
-- would count in theirs.
create type related_candidate as (
    article_id bigint,
    related_id bigint,
    score      real,
    back       real,
    is_twin    boolean,
    sketch_a   bigint, -- of the related article
    sketch_b   bigint
);

-- +migrate StatementBegin
create function related_candidates(articles_wanted bigint[], max_terms integer, max_heaviest integer, max_finalists integer)
    returns setof related_candidate
    language sql stable
begin atomic
    select w.id, c.related_id,
        (c.score * related_nearness(a.published_at, c.published_at))::real,
        (c.score * related_nearness(c.published_at, a.published_at))::real,
        related_is_twin(c.product / nullif(t.norm * c.norm, 0), t.title_hash = c.title_hash, t.text_hash = c.text_hash),
        c.sketch_a, c.sketch_b
    from unnest(articles_wanted) w (id)
    cross join lateral (select x.* from article_terms x where x.article_id = w.id offset 0) t
    cross join lateral (
        select x.published_at from articles x where x.id = w.id and x.status = 'published' offset 0
    ) a
    cross join lateral ( -- its terms, those first that tell most
        select array_agg(y.term order by y.tells desc, y.term) as terms,
            array_agg(y.weight order by y.tells desc, y.term) as weights,
            array_agg(y.tells order by y.tells desc, y.term) as tells
        from (
            select x.term, x.weight, x.weight * r.idf as tells
            from unnest(t.terms, t.weights) x (term, weight)
            cross join lateral (
                select related_idf(y.narticles, (select g.narticles from related_totals g)) as idf
                from related_terms y where y.term = x.term offset 0
            ) r
        ) y
    ) has
    cross join lateral ( -- whom those lead to
        select array_agg(y.related_id) as articles
        from (
            select p.related_id
            from unnest(has.terms[1:max_terms], has.tells[1:max_terms]) x (term, tells)
            cross join lateral (
                select y.articles[1:max_heaviest] as articles, y.weights[1:max_heaviest] as weights
                from related_terms y where y.term = x.term offset 0
            ) r
            cross join unnest(r.articles, r.weights) p (related_id, weight)
            where p.related_id <> w.id
            group by p.related_id
            order by sum(x.tells * p.weight) desc, p.related_id desc
            limit max_finalists
        ) y
    ) finalist
    cross join lateral ( -- compared in full
        select f.related_id, f.published_at, f.norm, f.sketch_a, f.sketch_b, f.title_hash, f.text_hash,
            sum(f.weight * x.tells) as score,
            sum(f.weight * x.weight) filter (where f.term & 1 = 1) as product
        from (
            select y.related_id, z.norm, z.sketch_a, z.sketch_b, z.title_hash, z.text_hash, b.published_at, v.term, v.weight
            from unnest(finalist.articles) y (related_id)
            cross join lateral (select x.* from article_terms x where x.article_id = y.related_id offset 0) z
            cross join lateral (
                select x.published_at from articles x where x.id = y.related_id and x.status = 'published' offset 0
            ) b
            cross join unnest(z.terms, z.weights) v (term, weight)
            offset 0
        ) f
        join unnest(has.terms, has.weights, has.tells) x (term, weight, tells) on x.term = f.term
        group by f.related_id, f.published_at, f.norm, f.sketch_a, f.sketch_b, f.title_hash, f.text_hash
    ) c;
end;
-- +migrate StatementEnd

-- May two texts be the same story? Of 64 pairs of bits, 18 that differ leave room for chance.
-- +migrate StatementBegin
create function related_may_be_twins(a1 bigint, b1 bigint, a2 bigint, b2 bigint) returns boolean
    language sql immutable parallel safe
return bit_count(((a1 # a2) | (b1 # b2))::bit(64)) <= 18;
-- +migrate StatementEnd

-- Two articles, compared by their words.
-- +migrate StatementBegin
create function related_are_twins(one bigint, other bigint) returns boolean
    language sql stable
begin atomic
    select related_is_twin((
            select sum(x.weight * y.weight)
            from unnest(a.terms, a.weights) x (term, weight)
            join unnest(b.terms, b.weights) y (term, weight) on y.term = x.term
            where x.term & 1 = 1) / nullif(a.norm * b.norm, 0), a.title_hash = b.title_hash, a.text_hash = b.text_hash)
    from article_terms a, article_terms b
    where a.article_id = one and b.article_id = other
      and related_may_be_twins(a.sketch_a, a.sketch_b, b.sketch_a, b.sketch_b);
end;
-- +migrate StatementEnd

-- The lists that the candidates make: the best six, less twins of the article and of better ones.
-- +migrate StatementBegin
create function related_choice(candidates related_candidate[]) returns setof article_related
    language sql stable
begin atomic
    with ranked as materialized (
        select c.*
        from (
            select x.article_id, x.related_id, x.score, x.sketch_a, x.sketch_b,
                row_number() over (partition by x.article_id order by x.score desc, x.related_id desc) as n
            from unnest(candidates) x
            where not x.is_twin
        ) c
        where c.n <= 12
    ), twin as materialized (
        select distinct p.article_id, p.related_id
        from (
            select other.article_id, other.related_id, better.related_id as better_id
            from ranked better
            join ranked other on other.article_id = better.article_id
            where better.n < other.n and related_may_be_twins(better.sketch_a, better.sketch_b, other.sketch_a, other.sketch_b)
            offset 0
        ) p
        where related_are_twins(p.better_id, p.related_id)
    )
    select l.article_id, l.rank::smallint, l.related_id, l.score
    from (
        select r.article_id, r.related_id, r.score, row_number() over (partition by r.article_id order by r.n) as rank
        from ranked r
        left join twin t on t.article_id = r.article_id and t.related_id = r.related_id
        where t.article_id is null
    ) l
    where l.rank <= 6;
end;
-- +migrate StatementEnd

-- What fills up a list with fewer than six: the newest of the article's section that are no twins, of
-- the article or of those in the list. Where the newest are all the same story, the search goes on until
-- there is one card, but not beyond a thousand.
-- +migrate StatementBegin
create function related_fill(article bigint, chosen bigint[]) returns bigint[]
    language plpgsql stable as $$
declare
    depth integer;
    newest record;
begin
    foreach depth in array '{40,1000}'::integer[] loop
        for newest in
            select n.id
            from article_terms own
            cross join lateral (
                select b.id
                from articles a
                join articles b on b.section_id = a.section_id and b.status = 'published' and b.id <> a.id
                where a.id = article and a.status = 'published'
                order by b.published_at desc, b.id desc
                limit depth
            ) n
            cross join lateral (select x.text_hash from article_terms x where x.article_id = n.id offset 0) t
            where own.article_id = article and t.text_hash <> own.text_hash
        loop
            continue when newest.id = any (chosen) or related_are_twins(article, newest.id)
                or exists (select from unnest(chosen) c (id) where related_are_twins(c.id, newest.id));
            chosen := chosen || newest.id;
            exit when cardinality(chosen) >= 6 or depth > 40;
        end loop;
        exit when cardinality(chosen) > 0;
    end loop;
    return chosen;
end
$$;
-- +migrate StatementEnd

-- ---- the work

-- One kind of work has one lock, that nobody waits for: 0 is reading; 1 to 4 are the lists of the
-- articles with these remainders, so that four callers can make lists at the same time.
-- +migrate StatementBegin
create function related_try_lock(kind integer) returns boolean
    language sql volatile
return pg_try_advisory_xact_lock('related_queue'::regclass::bigint * 8 + kind);
-- +migrate StatementEnd

-- Reads what was written: what was published first, and then what was written in bulk. Returns how many
-- articles it read; 0: nothing is written, or somebody else reads.
-- +migrate StatementBegin
create function related_read(max_articles integer) returns integer
    language plpgsql
    set plan_cache_mode = force_custom_plan
    set work_mem = '64MB'
    set jit = off
    set client_min_messages = warning -- a word of more than 2,047 bytes is left out with a notice
as $$
declare
    this_turn smallint;
    batch bigint[];
begin
    select turn into this_turn from related_queue where spread order by turn, id limit 1;
    if not found or not related_try_lock(0) then
        return 0;
    end if;

    -- First they are taken out and then they are read: what is written after that is queued anew.
    with first as (
        select article_id from related_queue where spread and turn = this_turn order by id limit max_articles
    ), taken as (
        delete from related_queue q
        where q.spread and q.turn = this_turn and q.article_id = any (array(select article_id from first))
        returning q.article_id
    )
    select array_agg(distinct article_id) into batch from taken;
    if batch is null then
        return 0;
    end if;
    if exists (select from article_terms where article_id = any (batch)) then
        perform related_forget(batch);
    end if;
    perform related_learn(batch, (select language::regconfig from related_settings));

    insert into related_queue (article_id, spread, turn)
    select id, false, this_turn
    from unnest(batch) b (id)
    where exists (select from articles a where a.id = b.id)
    order by id;
    insert into related_queue (article_id, spread, turn)
    select distinct r.article_id, false, greatest(this_turn, 1)
    from article_related r
    where r.related_id = any (batch) and r.article_id <> all (batch)
    order by 1;
    return cardinality(batch);
end
$$;
-- +migrate StatementEnd

-- Which of these lists can be written without waiting for a transaction that is deleting one of the
-- articles, or changing its key? Locks what they need: rows that are locked here can't be deleted
-- before this transaction ends.
-- +migrate StatementBegin
create function related_lock(batch bigint[], fresh article_related[]) returns bigint[]
    language plpgsql as $$
declare
    locked bigint[];
    rows_locked tid[];
    free bigint[];
begin
    select array_agg(x.id) into locked
    from (
        select a.id from articles a
        where a.id = any (batch || array(select f.related_id from unnest(fresh) f))
        for key share skip locked
    ) x;
    select array_agg(x.row) into rows_locked
    from (
        select r.ctid as row from article_related r where r.article_id = any (batch) for update skip locked
    ) x;
    select array_agg(b.id) into free
    from unnest(batch) b (id)
    where b.id not in (
            select f.article_id from unnest(fresh) f
            where f.related_id not in (select l.id from unnest(locked) l (id))
               or f.article_id not in (select l.id from unnest(locked) l (id)))
      and b.id not in (
            select r.article_id from article_related r
            where r.article_id = any (batch) and r.ctid not in (select l.id from unnest(rows_locked) l (id)));
    return coalesce(free, '{}');
end
$$;
-- +migrate StatementEnd

-- What is not as it was in these lists.
-- +migrate StatementBegin
create function related_write(batch bigint[], fresh article_related[]) returns void
    language sql volatile
begin atomic
    delete from article_related r
    where r.article_id = any (batch)
      and (r.article_id, r.rank, r.related_id) not in (select f.article_id, f.rank, f.related_id from unnest(fresh) f);
    insert into article_related
    select f.*
    from unnest(fresh) f
    where f.article_id = any (batch)
      and (f.article_id, f.rank) not in (
        select r.article_id, r.rank from article_related r where r.article_id = any (batch))
    order by f.article_id, f.rank;
end;
-- +migrate StatementEnd

-- Whose lists might these articles enter, that were made before the articles were read: of those that
-- are like them, where they count more than the last of the list; and of the newest of their sections,
-- where the list is short.
-- +migrate StatementBegin
create function related_spread(batch bigint[], candidates related_candidate[], this_turn smallint) returns void
    language sql volatile
begin atomic
    insert into related_queue (article_id, spread, turn)
    with fresh as materialized (
        select t.article_id, t.revision, a.section_id
        from unnest(batch) b (id)
        cross join lateral (select x.* from article_terms x where x.article_id = b.id offset 0) t
        cross join lateral (select x.section_id from articles x where x.id = b.id offset 0) a
    ), touched as (
        select c.related_id as id, f.revision, c.back
        from unnest(candidates) c
        join fresh f on f.article_id = c.article_id
        where not c.is_twin
        union all
        select n.id, s.revision, 'infinity'
        from (select f.section_id, max(f.revision) as revision from fresh f group by f.section_id) s
        cross join lateral (
            select a.id from articles a
            where a.section_id = s.section_id and a.status = 'published'
            order by a.published_at desc, a.id desc limit 40
        ) n
        where (select count(*) from article_related r where r.article_id = n.id) < 6
    )
    select distinct t.id, false, greatest(this_turn, 1::smallint)
    from touched t
    where coalesce((select m.revision from related_made m where m.article_id = t.id), 0) < t.revision
      and t.back > coalesce((select r.score from article_related r where r.article_id = t.id and r.rank = 6), 0)
      and t.id <> all (batch)
      and (this_turn < 2 or not exists (
        select from related_queue q where q.article_id = t.id and q.turn = 2))
    order by 1;
end;
-- +migrate StatementEnd

-- The lists of these articles. Returns how many it made; those that are in the way of somebody else's
-- transaction are put off, behind all that waits.
-- +migrate StatementBegin
create function related_make(batch bigint[], this_turn smallint) returns integer
    language plpgsql as $$
declare
    read_revision bigint := (select revision from related_totals);
    candidates related_candidate[];
    fresh article_related[];
    free bigint[];
begin
    -- Where thousands wait, with a little less care.
    if this_turn = 2 and exists (select from related_queue where not spread and turn = 2 offset 10000) then
        select array_agg(c) into candidates from related_candidates(batch, 32, 24, 12) c;
    else
        select array_agg(c) into candidates from related_candidates(batch, 64, 32, 24) c;
    end if;
    select array_agg(l) into fresh from related_choice(candidates) l;

    select fresh || array_agg((s.article_id, f.n, f.id, 0)::article_related) into fresh
    from (
        select b.id as article_id, array_remove(array_agg(l.related_id order by l.rank), null) as chosen
        from unnest(batch) b (id)
        left join unnest(fresh) l on l.article_id = b.id
        group by b.id
        having count(l.related_id) < 6
    ) s
    cross join lateral unnest(related_fill(s.article_id, s.chosen)) with ordinality f (id, n)
    where f.n > cardinality(s.chosen);

    free := related_lock(batch, fresh);
    perform related_write(free, fresh);
    insert into related_made (article_id, revision)
    select a.id, read_revision
    from unnest(free) b (id)
    cross join lateral (select x.id from articles x where x.id = b.id and x.status = 'published' offset 0) a
    on conflict (article_id) do update set revision = excluded.revision;
    perform related_spread(free, candidates, this_turn);

    if cardinality(free) < cardinality(batch) then
        insert into related_queue (article_id, spread, turn)
        select b.id, false, this_turn from unnest(batch) b (id) where b.id <> all (free);
    end if;
    return cardinality(free);
end
$$;
-- +migrate StatementEnd

-- Makes lists: of what was published, then those that it touches, and when all is read what was written
-- in bulk. Returns how many it made; 0: there is nothing to do, or others are at it.
-- +migrate StatementBegin
create function related_list(max_articles integer, last_turn integer default 2) returns integer
    language plpgsql
    set plan_cache_mode = force_custom_plan
    set work_mem = '64MB'
    set jit = off
    -- Batches are not in the planner's statistics. Rows of tables are looked up one by one, by their
    -- keys ("offset 0"); all else is joined by hashing.
    set enable_nestloop = off
    set enable_mergejoin = off
    set enable_seqscan = off
    set enable_sort = off
    set enable_memoize = off
as $$
declare
    head record;
    done integer := 0;
    batch bigint[];
begin
    if exists (select from related_queue where spread and turn = 2) then
        last_turn := least(last_turn, 1);
    end if;
    for head in
        select l.lane, q.turn
        from generate_series(0, 3) l (lane)
        cross join lateral (
            select q.turn, q.id from related_queue q
            where not q.spread and q.article_id % 4 = l.lane
            order by q.turn, q.id limit 1) q
        where q.turn <= last_turn
        order by q.turn, q.id
    loop
        exit when done >= max_articles;
        continue when not related_try_lock(1 + head.lane);
        with first as (
            select article_id from related_queue
            where not spread and article_id % 4 = head.lane and turn = head.turn
            order by turn, id limit max_articles - done
        ), taken as (
            delete from related_queue q
            where not q.spread and q.article_id = any (array(select article_id from first))
            returning q.article_id
        )
        select array_agg(distinct article_id) into batch from taken;
        if batch is not null then
            done := done + related_make(batch, head.turn);
        end if;
    end loop;
    return done;
end
$$;
-- +migrate StatementEnd

-- Works off a part of the queue in the caller's transaction. Returns how many articles it dealt with; 0:
-- there is nothing to do for this caller now. Any number may call it at the same time: the work is done
-- once, and nobody waits. What dies half way is in the queue as before.
-- +migrate StatementBegin
create function related_refresh(max_articles integer) returns integer
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

-- What is there already.
insert into related_queue (article_id, spread, turn)
select id, true, 2 from articles where status = 'published' order by id;

-- +migrate Down
drop trigger related_insert on articles;
drop trigger related_update on articles;
drop trigger related_delete on articles;
drop trigger related_truncate on articles;
drop trigger related_insert on article_tags;
drop trigger related_update on article_tags;
drop trigger related_delete on article_tags;
drop trigger related_delete on article_related;
drop function related_refresh(integer);
drop function related_list(integer, integer);
drop function related_make(bigint[], smallint);
drop function related_spread(bigint[], related_candidate[], smallint);
drop function related_write(bigint[], article_related[]);
drop function related_lock(bigint[], article_related[]);
drop function related_read(integer);
drop function related_try_lock(integer);
drop function related_fill(bigint, bigint[]);
drop function related_choice(related_candidate[]);
drop function related_are_twins(bigint, bigint);
drop function related_may_be_twins(bigint, bigint, bigint, bigint);
drop function related_candidates(bigint[], integer, integer, integer);
drop type related_candidate;
drop function related_is_twin(float8, boolean, boolean);
drop function related_nearness(timestamptz, timestamptz);
drop function related_learn(bigint[], regconfig);
drop function related_lexemes(bigint[], regconfig);
drop function related_forget(bigint[]);
drop function related_idf(bigint, bigint);
drop table related_settings;
drop function related_on_settings();
drop function related_on_truncate();
drop function related_on_cards();
drop function related_on_tags();
drop function related_on_articles();
drop function related_queue_written(bigint[]);
drop index articles_section_newest;
drop index related_queue_list;
drop index related_queue_read;
alter table related_queue drop column turn;
create index related_queue_spread on related_queue (id) where spread;
drop table related_made;
drop table related_totals;
drop table related_terms;
drop table article_terms;

-- As in 0002_related.sql, which says more about them.
-- +migrate StatementBegin
create function related_newest(tag bigint) returns table (article_id bigint, published_at timestamptz)
    language sql stable
begin atomic
    select x.article_id, x.published_at
    from article_tags x
    where x.tag_id = tag
    order by x.published_at desc, x.article_id desc
    limit 64;
end;
-- +migrate StatementEnd

-- +migrate StatementBegin
create function related_weight(tag bigint) returns table (weight integer)
    language sql stable
begin atomic
    select round(1000 * ln(1 + 1000.0::float8 / count(*)))::integer
    from (select from article_tags x where x.tag_id = tag limit 1000) counted;
end;
-- +migrate StatementEnd

-- +migrate StatementBegin
create function related_lists(articles_wanted bigint[]) returns setof article_related
    language sql stable
begin atomic
    with wanted as materialized (
        select t.article_id, t.tag_id
        from article_tags t
        join articles a on a.id = t.article_id and a.status = 'published'
        where t.article_id = any (articles_wanted)
    ), tag as materialized (
        select w.tag_id, r.weight
        from (select distinct tag_id from wanted) w
        cross join lateral related_weight(w.tag_id) r
    ), candidate as materialized (
        select tag.tag_id, tag.weight, n.article_id, n.published_at
        from tag
        cross join lateral related_newest(tag.tag_id) n
        join articles a on a.id = n.article_id and a.status = 'published'
    ), pair as (
        select w.article_id, c.article_id as related_id, c.published_at, sum(c.weight) as score
        from wanted w
        join candidate c on c.tag_id = w.tag_id and c.article_id <> w.article_id
        group by w.article_id, c.article_id, c.published_at
    ), ranked as (
        select pair.*, row_number() over (
            partition by article_id order by score desc, published_at desc, related_id desc) as rank
        from pair
    )
    select article_id, rank::smallint, related_id, score::real
    from ranked
    where rank <= 6;
end;
-- +migrate StatementEnd

-- +migrate StatementBegin
create function related_touched(articles_changed bigint[]) returns setof bigint
    language sql stable
begin atomic
    with changed as materialized (
        select t.article_id, t.tag_id
        from article_tags t
        join articles a on a.id = t.article_id and a.status = 'published'
        where t.article_id = any (articles_changed)
    ), newest as materialized (
        select tag.tag_id, n.article_id, n.published_at
        from (select distinct tag_id from changed) tag
        cross join lateral related_newest(tag.tag_id) n
    ), open as materialized (
        select n.tag_id, n.article_id
        from newest n
        where not exists (select from related_queue q where q.article_id = n.article_id)
    ), entering as materialized ( -- who might enter a list, and by which tags
        select open.article_id, n.article_id as related_id, n.published_at, n.tag_id
        from open
        join newest n on n.tag_id = open.tag_id and n.article_id <> open.article_id
        join changed c on c.article_id = n.article_id and c.tag_id = n.tag_id
    ), last as materialized ( -- who would have to leave a full one
        select r.article_id, r.related_id, a.published_at
        from article_related r
        join articles a on a.id = r.related_id
        where r.rank = 6 and r.article_id = any (array(select article_id from open))
    ), leaving as materialized ( -- and by which tags it is there; "offset 0": look each up by article
        select l.article_id, l.related_id, l.published_at, own.tag_id
        from last l
        cross join lateral (select x.tag_id from article_tags x where x.article_id = l.article_id offset 0) own
        cross join lateral (select x.tag_id from article_tags x where x.article_id = l.related_id offset 0) its
        where own.tag_id = its.tag_id
    ), tag as materialized (
        select t.tag_id, r.weight
        from (select tag_id from leaving union select tag_id from entering) t
        cross join lateral related_weight(t.tag_id) r
    ), worst as (
        select l.article_id, l.related_id, l.published_at, sum(tag.weight) as score
        from leaving l
        join tag on tag.tag_id = l.tag_id
        group by l.article_id, l.related_id, l.published_at
    ), best as (
        select e.article_id, e.related_id, e.published_at, sum(tag.weight) as score
        from entering e
        join tag on tag.tag_id = e.tag_id
        group by e.article_id, e.related_id, e.published_at
    )
    select b.article_id
    from best b
    left join worst w on w.article_id = b.article_id
    where w.article_id is null
       or (b.score, b.published_at, b.related_id) > (w.score, w.published_at, w.related_id)
    union
    select r.article_id
    from article_related r
    where r.related_id = any (articles_changed)
      and not exists (select from related_queue q where q.article_id = r.article_id);
end;
-- +migrate StatementEnd

-- +migrate StatementBegin
create function related_refresh(max_articles integer) returns integer
    language plpgsql
    set plan_cache_mode = force_custom_plan -- plans follow the size of the batch and of the tables
    set work_mem = '64MB'
    set jit = off
as $$
declare
    batch bigint[];
    rows_taken bigint[];
    fresh article_related[];
begin
    if max_articles is null or max_articles < 1 then
        raise exception 'related_refresh takes 1 article or more, not %', max_articles;
    end if;
    perform pg_advisory_xact_lock('related_queue'::regclass::bigint);

    -- First what spreads, for it is cheap to find out whose lists are touched while those are queued
    -- still. The articles go back into the queue as ones that have been spread.
    select array_agg(id), array_agg(distinct article_id) into rows_taken, batch
    from (select id, article_id from related_queue where spread order by id limit max_articles) q;
    if batch is not null then
        insert into related_queue (article_id, spread)
        select touched, false from related_touched(batch) touched order by touched;
        delete from related_queue where id = any (rows_taken);
        insert into related_queue (article_id, spread)
        select article_id, false
        from unnest(batch) as b (article_id)
        where not exists (select from related_queue q where q.article_id = b.article_id)
        order by article_id;
        if exists (select from related_queue where spread) then
            return cardinality(batch);
        end if;
    end if;

    with first as (
        select article_id from related_queue where not spread order by id limit max_articles
    ), taken as (
        delete from related_queue q
        where not q.spread and q.article_id = any (array(select article_id from first))
        returning q.article_id
    )
    select array_agg(distinct article_id) into batch from taken;
    if batch is null then
        return 0;
    end if;

    select array_agg(l) into fresh from related_lists(batch) l;
    delete from article_related r
    where r.article_id = any (batch)
      and not exists (
        select from unnest(fresh) f
        where f.article_id = r.article_id and f.rank = r.rank and f.related_id = r.related_id);
    insert into article_related
    select f.*
    from unnest(fresh) f
    where not exists (
        select from article_related r where r.article_id = f.article_id and r.rank = f.rank)
    order by f.article_id, f.rank;
    return cardinality(batch);
end
$$;
-- +migrate StatementEnd
