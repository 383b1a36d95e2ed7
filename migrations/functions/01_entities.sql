-- An entity is a kind and an id, packed into one number: id * 16 + kind. base/entity.h has the same kinds:
--
--     0 everything      1 article           2 section           3 author            4 tag
--     5 listing of all  6 of a section      7 of an author      8 of a tag          9 all listings
--
-- Two more are only marks in the database: 10, the document of an article; 11, the list of an article.

create or replace function entity_key(kind integer, id bigint) returns bigint
    language sql immutable strict parallel safe
return id * 16 + kind;

create or replace function article_key(id bigint) returns bigint
    language sql immutable parallel safe
return id * 16 + 1;

create or replace function section_key(id bigint) returns bigint
    language sql immutable parallel safe
return id * 16 + 2;

create or replace function author_key(id bigint) returns bigint
    language sql immutable parallel safe
return id * 16 + 3;

create or replace function tag_key(id bigint) returns bigint
    language sql immutable parallel safe
return id * 16 + 4;

-- The listing of a section, an author or a tag.
create or replace function listing_key(of_entity bigint) returns bigint
    language sql immutable parallel safe
return of_entity + 4;

create or replace function document_key(id bigint) returns bigint
    language sql immutable parallel safe
return id * 16 + 10;

create or replace function list_key(id bigint) returns bigint
    language sql immutable parallel safe
return id * 16 + 11;

-- For people, as in: select xid, entity_name(key) from change_log
create or replace function entity_name(key bigint) returns text
    language sql immutable parallel safe
return (array['everything', 'article', 'section', 'author', 'tag', 'listing of all', 'listing of section',
              'listing of author', 'listing of tag', 'all listings', 'document of article',
              'list of article'])[1 + key % 16] || ' ' || key / 16;

-- Keys as one value of 8 bytes each. Readers get them in this form, which costs a tenth of an array.
create or replace function keys_pack(keys bigint[]) returns bytea
    language sql immutable parallel safe
return coalesce((select string_agg(int8send(k.key), '') from unnest(keys) k (key)), '');

create or replace function keys_unpack(packed bytea) returns bigint[]
    language sql immutable parallel safe
return array(
    select ('x' || encode(substring(packed from i for 8), 'hex'))::bit(64)::bigint
    from generate_series(1, length(packed), 8) i);
