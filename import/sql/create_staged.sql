-- The good lines of the chunk that is being loaded; import/copy_rows.c writes them.
create temporary table staged (
    line         bigint not null,
    slug         text not null,
    title        text not null,
    summary      text,
    body         text compression lz4 not null, -- as in articles, so that the value is copied unchanged
    section      text not null,
    authors      text[] not null,
    tags         text[] not null,
    published_at timestamptz not null,
    image_url    text,
    image_alt    text,
    image_credit text,
    image_width  integer,
    image_height integer,
    language     text,
    corrections  jsonb not null
) on commit delete rows
