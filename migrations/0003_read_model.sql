-- Articles and lists as readers get them, in finished JSON; and marks on the parts that are behind the tables.
--
--     a statement on articles, article_authors, article_tags --> article_views, article_cards
--     a statement on sections, authors, tags                 --> stale_marks: the names in documents
--     a card or a list changes                               --> stale_marks: the lists that show it
--     the related worker                                     --> writes marked parts, deletes the mark
--
-- A mark costs one row, whatever the number of documents or lists with the entity. Readers build marked documents and
-- lists from the tables, so a change is visible everywhere from its commit on.

-- +migrate Up

-- An article as its readers get it, with the keys in the order of the contract.
create table article_views (
    article_id bigint primary key references articles on delete cascade,
    status     text   not null,
    depends_on bytea  not null, -- the entities whose names are in the document: keys_pack()
    document   text   not null
) with (toast_tuple_target = 4096);

-- The card of a published article. Readers of articles do not need it, so it has a table of its own: PostgreSQL's
-- memory can then hold more documents. The key makes a deletion lock the view first and then the card, as all other
-- changes do.
create table article_cards (
    article_id bigint primary key references article_views on delete cascade,
    section_id bigint not null,
    card       text   not null
);

-- The related list of an article as its readers get it. No row: the list is empty. There is no foreign key: the row is
-- deleted when the rows of article_related have been deleted.
create table related_views (
    article_id bigint primary key,
    depends_on bytea not null, -- the articles on the list, also those without a card, and their sections
    cards      text            -- {...},{...}: the cards, best first; null: there is none
);

-- lz4 is smaller than PostgreSQL's own compression, and faster to read. Not every server has it.
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

-- Rows are only added; only the caller that writes the marked documents and lists deletes them. A second row for the
-- same entity is necessary, because the first one may be about to be deleted for an earlier change.
create table stale_marks (
    id       bigint generated always as identity primary key,
    key      bigint not null,           -- the entity that has changed
    done_to  bigint not null default 0, -- the articles, or lists of articles, up to this id are written
    horizon  xid8,                      -- of a name: the articles wait until all transactions below it have ended
    retry_at timestamptz not null default '-infinity'
) with (autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0);
create index stale_marks_key on stale_marks (key);

-- Can there be a mark at all? The row of a gate with the greatest id has the answer. Readers check it first, and look
-- marks up by their keys only when the gate is open. Rows are only added at the end, so this check costs the same after
-- any number of marks.
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
