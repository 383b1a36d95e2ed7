-- Names and slugs of sections, authors and tags.

-- The name that is stored: without white space at its ends, in NFC. base/name.c does the same.
create or replace function clean_name(name text) returns text
    language sql immutable strict parallel safe
return normalize(btrim(name, E'\t\n\u000b\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006'
                             '\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'), NFC);

-- The readable part of a path, made from a name: "Ärger & Liebe" gives arger-liebe. A name without a Latin
-- letter or a digit ("日本") has no such part: the result is null. The collation "C" changes only ASCII
-- letters, so the result is the same in a database of any locale.
create or replace function slug_base(name text) returns text
    language sql immutable strict parallel safe
return nullif(left(trim('-' from regexp_replace(
    lower(replace(replace(replace(translate(
        regexp_replace(normalize(name, NFKD) collate "C", '[\u0300-\u036f]', '', 'g'),
        'ØøĐđŁłÐðıẞÆŒ', 'ooddllddißæœ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe') collate "C"),
    '[^a-z0-9]+', '-', 'g')), 180), '');

-- Cleans the name of a new or renamed section, author or tag, and gives a new one its slug: the base, or the
-- base with the next number, because two names are two rows even when their slugs would be the same ("C",
-- "C++", "C#"; all names in Japanese). Doubling and halving finds the number, because thousands may be taken.
-- The lock makes two writers that add names wait for each other. A writer that only uses existing names never waits.
create or replace function on_name_written() returns trigger
    language plpgsql
    security definer
    set search_path = public, pg_temp
as $$
declare
    base text;
    taken boolean;
    used integer := 1; -- this number is taken; 1 means the base itself
    free integer;      -- this one is not
    n integer := 1;
begin
    new.name := clean_name(new.name);
    if new.slug is not null then
        return new;
    end if;
    base := coalesce(trim('-' from slug_base(new.name)), left(tg_table_name, -1));
    perform pg_advisory_xact_lock(tg_relid::bigint);
    loop
        new.slug := base || case when n > 1 then '-' || n else '' end;
        execute format('select exists (select from public.%I where slug = $1)', tg_table_name)
            into taken using new.slug;
        if taken then
            used := n;
        else
            free := n;
        end if;
        exit when free = 1 or free = used + 1;
        n := coalesce((used + free) / 2, 2 * used);
    end loop;
    new.slug := base || case when free > 1 then '-' || free else '' end;
    return new;
end
$$;
