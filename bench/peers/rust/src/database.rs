//! The two statements, which run at the same time.
use std::cell::Cell;
use std::path::Path;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

use crate::{json, Failure};

pub struct Settings {
    pub url: String,
    pub statements: String, // a folder
    pub connections: usize,
}

pub enum Found {
    Published(Vec<u8>),
    Withdrawn,
    Nothing,
}

struct Connection {
    client: Client,
    article: Statement,
    related: Statement,
}

pub struct Database {
    connections: Vec<Connection>,
    turn: Cell<usize>,
    is_read_model: bool, // the rows hold finished JSON
}

impl Database {
    pub async fn connect(settings: Settings) -> Result<Self, Failure> {
        let folder = Path::new(&settings.statements);
        let article = std::fs::read_to_string(folder.join("article.sql"))?;
        let related = std::fs::read_to_string(folder.join("related.sql"))?;
        let mut config: tokio_postgres::Config = settings.url.parse()?;
        config.options("-c jit=off -c plan_cache_mode=force_generic_plan");
        let mut connections = Vec::new();
        for _ in 0..settings.connections {
            let (client, io) = config.connect(NoTls).await?;
            tokio::task::spawn_local(async move {
                if let Err(error) = io.await {
                    eprintln!("the connection to PostgreSQL has ended: {error}");
                    std::process::exit(1);
                }
            });
            let (article, related) = (client.prepare(&article).await?, client.prepare(&related).await?);
            connections.push(Connection { client, article, related });
        }
        Ok(Self { connections, turn: Cell::new(0), is_read_model: folder.ends_with("read-model") })
    }

    /// The JSON of the answer, in one piece.
    pub async fn article(&self, id: i64) -> Result<Found, Failure> {
        let (one, other) = (self.next(), self.next());
        let parameters: [&(dyn ToSql + Sync); 1] = [&id];
        let (article, cards) = tokio::try_join!(
            one.client.query_opt(&one.article, &parameters),
            other.client.query(&other.related, &parameters)
        )?;
        let article = match article {
            Some(row) => row,
            None => return Ok(Found::Nothing),
        };
        match article.get("status") {
            "withdrawn" => Ok(Found::Withdrawn),
            "draft" => Ok(Found::Nothing),
            _ => Ok(Found::Published(self.encode(&article, &cards)?)),
        }
    }

    /// Connections in turn: the two statements of a request run in two backends, if there are two.
    fn next(&self) -> &Connection {
        let turn = self.turn.get();
        self.turn.set((turn + 1) % self.connections.len());
        &self.connections[turn]
    }

    fn encode(&self, article: &Row, cards: &[Row]) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::with_capacity(8192);
        out.extend_from_slice(b"{\"article\":");
        if self.is_read_model {
            let cards: Option<&str> = cards[0].get(0);
            out.extend_from_slice(article.get::<_, &str>(1).as_bytes());
            out.extend_from_slice(b",\"related_articles\":[");
            out.extend_from_slice(cards.unwrap_or_default().as_bytes());
        } else {
            json::write_article(&mut out, article)?;
            out.extend_from_slice(b",\"related_articles\":[");
            for (i, card) in cards.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                json::write_card(&mut out, card)?;
            }
        }
        out.extend_from_slice(b"]}");
        Ok(out)
    }
}
