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
    turn          smallint    not null default 0 check (turn between 0 and 2),
    queued_at     timestamptz not null default now()
);
comment on column related_queue.turn is '0: was published; 1: the list of another article; 2: was written in bulk';
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

-- The text search configuration. When it is changed, every article is read again.
create table related_settings (
    only_one boolean primary key default true check (only_one),
    language text    not null default 'english'
);
insert into related_settings default values;

-- A published article: its terms in no order, with their weights. A term is a hash, odd for a word and even for a tag.
-- There is no foreign key: the work needs this row to find that an article was deleted.
create table article_terms (
    article_id bigint  not null primary key,
    revision   bigint  not null, -- see related_totals
    terms      integer[] not null,
    weights    real[]  not null,
    nterms     integer not null, -- all terms, also those that are not stored
    norm       real    not null, -- the length of the vector of the words' weights
    sketch_a   bigint  not null, -- similar texts have most pairs of bits in common
    sketch_b   bigint  not null,
    title_hash integer not null,
    text_hash  bigint  not null
);

-- A term: how many articles have it, and the 32 articles in which it weighs most, heaviest first.
create table related_terms (
    term      integer  not null primary key,
    narticles bigint   not null,
    articles  bigint[] not null,
    weights   real[]   not null
) with (fillfactor = 70); -- its rows change often, and an update in place is the cheapest

-- A summary of all articles that have been read. The revision counts the calls that read.
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

-- The words of articles that must still be read, and the hash of the text that they come from. A text that was written
-- since then is parsed again. The table only saves time: nothing is lost with it.
create unlogged table related_words (
    article_id bigint   not null primary key,
    text_hash  bigint   not null,
    words      tsvector not null
);
alter table related_words alter words set storage external; -- a row is read once, so compression costs more than it saves

-- A candidate for the list of an article, with its score there, and the score of the article in its list.
create type related_candidate as (
    article_id bigint,
    related_id bigint,
    score      real,
    back       real,
    is_twin    boolean,
    sketch_a   bigint, -- of the related article
    sketch_b   bigint
);

-- +migrate Down
drop type related_candidate;
drop table related_words;
drop table related_made;
drop table related_totals;
drop table related_terms;
drop table article_terms;
drop table related_settings;
drop table related_failures;
drop table related_queue;
drop table article_related;
