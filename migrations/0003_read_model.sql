-- What readers get, as finished JSON, and marks on the parts of it that are behind the tables.
--
--     a statement on articles, article_authors, article_tags --> article_views, article_cards
--     a statement on sections, authors, tags                 --> stale_marks: the names in documents
--     a card or a list changes                               --> stale_marks: the lists that show it
--     the related worker                                     --> writes what is marked, deletes the mark
--
-- A mark costs one row, in however many documents or lists the entity is. Readers build what is marked from
-- the tables, so a change is seen everywhere from its commit on.

-- +migrate Up

-- An article as its readers get it, with the keys in the order of the contract.
create table article_views (
    article_id bigint primary key references articles on delete cascade,
    status     text   not null,
    depends_on bytea  not null, -- the entities whose names are in the document: keys_pack()
    document   text   not null
) with (toast_tuple_target = 4096);

-- The card of a published article. Readers of articles do not need it, so it is in a table of its own: the
-- less there is beside the documents, the more of them fit into PostgreSQL's memory. The key makes a deletion
-- take the view first and then the card, in the order of all others that change them.
create table article_cards (
    article_id bigint primary key references article_views on delete cascade,
    section_id bigint not null,
    card       text   not null
);

-- The related list of an article as its readers get it. No row: the list is empty. No foreign key: the row
-- goes when the rows of article_related have gone.
create table related_views (
    article_id bigint primary key,
    depends_on bytea not null, -- the articles on the list, also those without a card, and their sections
    cards      text            -- {...},{...}: the cards, best first; null: there is none
);

-- Smaller than PostgreSQL's own compression, and faster to read. Not every server has it.
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

-- Rows are only added, and deleted by the one who writes what is marked: a row that is there already may be
-- about to go for an earlier change.
create table stale_marks (
    id       bigint generated always as identity primary key,
    key      bigint not null,           -- the entity that has changed
    done_to  bigint not null default 0, -- the articles, or lists of articles, up to this id are written
    horizon  xid8,                      -- of a name: no transaction below it may be under way when they are
    retry_at timestamptz not null default '-infinity'
) with (autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0);
create index stale_marks_key on stale_marks (key);

-- Can there be a mark at all? The row of a gate with the greatest id says so. Readers look there first, and
-- at the marks by their keys only when the gate is open. Rows are only added at the end, so that look costs
-- the same however many marks came and went.
create table stale_gates (
    id      bigint  generated always as identity,
    gate    text    not null check (gate in ('documents', 'lists')),
    is_open boolean not null,
    primary key (gate, id)
);
insert into stale_gates (gate, is_open) values ('documents', false), ('lists', false);

-- +migrate Down
drop table stale_gates;
drop table stale_marks;
drop table related_views;
drop table article_cards;
drop table article_views;
