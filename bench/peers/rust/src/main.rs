//! bench/peers/rust - the peer written in Rust: hyper and tokio-postgres; a thread per core, without shared state.
//!
//!     thread per core: runtime, listener (SO_REUSEPORT), pipelined connections --both queries at the same time--> JSON
//!
//! Settings: bench/peers/README.md.
mod database;
mod gzip;
mod json;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc;

use hyper::header::{HeaderValue, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use hyper::rt::Executor;
use hyper::server::conn::Http;
use hyper::service::service_fn;
use hyper::{Body, Request, Response, StatusCode};
use tokio::net::{TcpListener, TcpSocket};

use database::{Database, Settings};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let address: SocketAddr = setting("PEER_LISTEN", "127.0.0.1:0").parse()?;
    let cores = std::thread::available_parallelism()?.get().to_string();
    let threads: usize = setting("PEER_PROCESSES", &cores).parse()?;
    let placeholder = bind(address)?; // holds the port until all threads have it
    let address = placeholder.local_addr()?;
    let (ready, is_ready) = mpsc::channel();
    let all: Vec<_> = (0..threads)
        .map(|_| {
            let ready = ready.clone();
            std::thread::spawn(move || run(address, ready).unwrap())
        })
        .collect();
    for _ in &all {
        is_ready.recv()?;
    }
    eprintln!("{{\"event\":\"listening\",\"address\":\"{address}\"}}");
    for thread in all {
        thread.join().unwrap();
    }
    Ok(())
}

fn setting(name: &str, otherwise: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| otherwise.to_owned())
}

fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

// ---- a thread

fn run(address: SocketAddr, ready: mpsc::Sender<()>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let database = Rc::new(Database::connect(Settings {
            url: setting("DATABASE_URL", ""),
            statements: setting("PEER_STATEMENTS", "."),
            connections: setting("PEER_CONNECTIONS", "2").parse()?, // of a thread; each carries many statements
        })
        .await?);
        let listener = bind(address)?.listen(1024)?;
        ready.send(())?;
        serve(listener, database).await
    })
}

async fn serve(listener: TcpListener, database: Rc<Database>) -> Result<(), Failure> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let database = database.clone();
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request| article_get(database.clone(), request));
            // An error says that the client has left.
            let _ = Http::new().with_executor(ThisThread).http1_only(true).serve_connection(stream, service).await;
        });
    }
}

#[derive(Clone)]
struct ThisThread;

impl<F: Future + 'static> Executor<F> for ThisThread {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

async fn article_get(database: Rc<Database>, request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path();
    let name = match path.strip_prefix("/articles/") {
        Some(name) if *request.method() == hyper::Method::GET => name,
        _ => return Ok(problem(path, StatusCode::NOT_FOUND, "not-found", "Not found", "There is nothing here.")),
    };
    let id = name.parse::<i64>().unwrap_or(0);
    if id <= 0 || !name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(problem(path, StatusCode::BAD_REQUEST, "bad-article-id", "Bad article id",
            "An article is named by its id, a positive number of 64 bits, or by its slug."));
    }
    Ok(match database.article(id).await {
        Ok(database::Found::Published(body)) => answer(&request, body),
        Ok(database::Found::Nothing) => problem(path, StatusCode::NOT_FOUND, "no-such-article",
            "No such article", "There is no article with this id."),
        Ok(database::Found::Withdrawn) => problem(path, StatusCode::GONE, "article-withdrawn",
            "Article withdrawn", "This article was withdrawn."),
        Err(error) => {
            eprintln!("{error}");
            problem(path, StatusCode::SERVICE_UNAVAILABLE, "database-unavailable", "Database unavailable", "Try again soon.")
        }
    })
}

// ---- answers

fn answer(request: &Request<Body>, body: Vec<u8>) -> Response<Body> {
    let takes_gzip = |v: &HeaderValue| v.to_str().map_or(false, |text| text.contains("gzip"));
    if body.len() < 1024 || !request.headers().get(ACCEPT_ENCODING).map_or(false, takes_gzip) {
        return with_type(body, StatusCode::OK, "application/json");
    }
    let mut response = with_type(gzip::pack(&body), StatusCode::OK, "application/json");
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

fn problem(path: &str, status: StatusCode, name: &str, title: &str, detail: &str) -> Response<Body> {
    let document = serde_json::json!({
        "type": format!("urn:broadsheet:problem:{name}"), "title": title, "status": status.as_u16(), "detail": detail, "instance": path
    });
    with_type(document.to_string().into_bytes(), status, "application/problem+json")
}

fn with_type(body: Vec<u8>, status: StatusCode, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
