-- The changes of the chunk: the articles, new or not, and their lines.
create temporary table changed (
    article_id bigint primary key,
    line       bigint not null,
    is_new     boolean not null
) on commit delete rows
