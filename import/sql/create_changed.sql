-- What the chunk has changed: the articles, new or not, and the lines that did it.
create temporary table changed (
    article_id bigint primary key,
    line       bigint not null,
    is_new     boolean not null
) on commit delete rows
