//! An article and a card as JSON, straight out of the rows.
use chrono::{DateTime, SecondsFormat, Utc};
use serde_derive::Serialize;
use tokio_postgres::Row;

use crate::Failure;

#[derive(Serialize)]
struct Named<'a> {
    slug: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Article<'a> {
    id: i64,
    slug: &'a str,
    title: &'a str,
    summary: Option<&'a str>,
    body: &'a str,
    section: Named<'a>,
    authors: Vec<Named<'a>>,
    tags: Vec<Named<'a>>,
    published_at: String,
    updated_at: String,
    version: i32,
}

#[derive(Serialize)]
struct Card<'a> {
    id: i64,
    slug: &'a str,
    title: &'a str,
    summary: Option<&'a str>,
    section: Named<'a>,
    published_at: String,
}

pub fn write_article(out: &mut Vec<u8>, row: &Row) -> Result<(), Failure> {
    let article = Article {
        id: row.get(0),
        slug: row.get(2),
        title: row.get(3),
        summary: row.get(4),
        body: row.get(5),
        section: Named { slug: row.get(6), name: row.get(7) },
        authors: named_list(row, 8, 9),
        tags: named_list(row, 10, 11),
        published_at: rfc3339(row.get(12)),
        updated_at: rfc3339(row.get(13)),
        version: row.get(14),
    };
    Ok(serde_json::to_writer(out, &article)?)
}

pub fn write_card(out: &mut Vec<u8>, row: &Row) -> Result<(), Failure> {
    let card = Card {
        id: row.get(0),
        slug: row.get(1),
        title: row.get(2),
        summary: row.get(3),
        section: Named { slug: row.get(4), name: row.get(5) },
        published_at: rfc3339(row.get(6)),
    };
    Ok(serde_json::to_writer(out, &card)?)
}

fn named_list<'a>(row: &'a Row, slugs: usize, names: usize) -> Vec<Named<'a>> {
    let slugs: Vec<&str> = row.get(slugs);
    let names: Vec<&str> = row.get(names);
    slugs.into_iter().zip(names).map(|(slug, name)| Named { slug, name }).collect()
}

/// With as much of the fraction as there is: none, milliseconds or microseconds.
fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
