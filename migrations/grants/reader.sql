-- A server that only reads, follows the changes, and makes related lists: `./dev migrate grant reader ROLE`.
grant usage on schema public to :"role";
grant select on sections, authors, tags, articles, article_authors, article_tags, article_related,
    article_views, article_cards, related_views, stale_gates, stale_marks, related_queue, related_failures
    to :"role";
grant execute on function change_log_since(text), change_log_trim(interval), related_work(integer),
    article_views_now(bigint[]), related_views_now(bigint[]) to :"role";
