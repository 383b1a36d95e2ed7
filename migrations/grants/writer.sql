-- A program that writes articles: `./dev migrate grant writer ROLE`. Triggers do the rest with the owner's rights.
grant usage on schema public to :"role";
grant select, insert, update, delete on sections, authors, tags, articles, article_authors, article_tags
    to :"role";
