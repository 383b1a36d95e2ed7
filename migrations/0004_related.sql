-- Related lists. They are made when articles are written, and not when they are read.
--
--     an article is written --> related_queue --> read: article_terms, related_terms
--                                             --> its list, and the lists that it enters: article_related

-- +migrate Up

-- The related list of an article, best first. The second key finds the lists that an article is on. The ids
-- are read from the index alone.
create table article_related (
    article_id bigint   not null references articles on delete cascade,
    rank       smallint not null check (rank > 0),
    related_id bigint   not null references articles on delete cascade,
    score      real     not null,
    primary key (article_id, rank) include (related_id),
    unique (related_id, article_id),
    check (article_id <> related_id)
);

-- Articles that must be read, and lists that must be made. Rows are only added and deleted, and an article may have two
-- rows. So a writer never waits for another one.
create table related_queue (
    id            bigint generated always as identity primary key,
    article_id    bigint      not null,
    needs_reading boolean     not null, -- the article itself was written; otherwise only its list must be made
    turn          smallint    not null default 0 check (turn between 0 and 3),
    queued_at     timestamptz not null default now() -- it is not taken before that
);
comment on column related_queue.turn is '0: was published; 1: the list of another article, or an article that failed before; 2: was written in bulk; 3: the slow pass';
create index related_queue_article on related_queue (article_id);
create index related_queue_read on related_queue (turn, id) where needs_reading;
create index related_queue_list on related_queue ((article_id % 4), turn, id) where not needs_reading;

-- Articles on which PostgreSQL failed. They are tried again at longer and longer intervals.
create table related_failures (
    article_id bigint      primary key,
    failures   integer     not null,
    retry_at   timestamptz not null,
    reason     text        not null,
    xid        xid8        not null -- the transaction that failed last
);

-- The language of texts for which no language is given and none is recognised: an ISO 639 code. When it is changed, every
-- article is read again.
create table related_settings (
    only_one boolean primary key default true check (only_one),
    language text    not null default 'en' check (language ~ '^[a-z]{2,3}$')
);
insert into related_settings default values;

-- What is kept of a published article. related/pack.h has the forms of vector, others and story. There is no foreign
-- key: the work needs this row to find that an article was deleted.
create table article_terms (
    article_id   bigint      not null primary key,
    revision     bigint      not null, -- see related_totals
    published_at timestamptz not null,
    section_id   bigint      not null,
    title_hash   bigint      not null,
    nwords       integer     not null, -- with repetitions
    self         real        not null, -- its likeness to itself
    analysis     smallint    not null, -- the version of the analysis that has made this row
    language     text        not null,
    vector       bytea       not null, -- its best terms, with their weights
    others       bytea       not null, -- its other terms, which are only counted
    story        bytea       not null  -- to recognise the same story
);
alter table article_terms alter vector set storage plain, alter others set storage external,
    alter story set storage external; -- hashes can't be compressed

-- A term: how many articles have it, and the articles that are kept with it (related/postings.h).
create table related_terms (
    term      integer not null primary key,
    narticles bigint  not null,
    postings  bytea   not null
) with (fillfactor = 70); -- its rows change often, and an update in place is the cheapest
alter table related_terms alter postings set storage plain;

-- The articles that have been read, by language.
create table related_languages (
    language  text   not null primary key,
    narticles bigint not null,
    nwords    bigint not null
);

-- The revision counts the transactions that have stored terms.
create table related_totals (
    only_one  boolean primary key default true check (only_one),
    revision  bigint  not null default 0
);
insert into related_totals default values;

-- When an article's list was made last, from the terms of which revision, and by which version of the analysis.
create table related_made (
    article_id bigint      not null primary key references articles on delete cascade,
    revision   bigint      not null,
    analysis   smallint    not null,
    made_at    timestamptz not null
);
create index related_made_oldest on related_made (analysis, made_at);

-- A published article as the analysis gets it. failure: why it can't be read, instead of its texts.
create type related_source as (
    article_id   bigint,
    revision     bigint, -- of its row in article_terms; 0: it has none
    published_at timestamptz,
    section_id   bigint,
    language     text,   -- BCP 47; null: it is not given
    title        text,
    summary      text,
    body         text,   -- its beginning
    tags         bytea,  -- their ids: keys_pack()
    usual        text,   -- the language of related_settings
    failure      text
);

-- What a score needs of an article: a part of article_terms.
create type related_vector as (
    article_id   bigint,
    revision     bigint,
    published_at timestamptz,
    section_id   bigint,
    language     text,
    self         real,
    title_hash   bigint,
    vector       bytea
);

-- +migrate Down
drop type related_vector;
drop type related_source;
drop table related_made;
drop table related_totals;
drop table related_languages;
drop table related_terms;
drop table article_terms;
drop table related_settings;
drop table related_failures;
drop table related_queue;
drop table article_related;
