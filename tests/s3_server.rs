//! A server on loopback that speaks S3, in this process, and that can be told to misbehave.

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s::{Body, HttpError};
use s3s_fs::FileSystem;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub(crate) const BUCKET: &str = "bucket";
const KEY: &str = "gridlake-test";
const SECRET: &str = "gridlake-secret";

/// Which requests go wrong; 0 is none.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Every so manieth request is answered 500.
    pub(crate) refuse_every: AtomicU64,
    /// At every so manieth request the connection is dropped: before it is answered, or after the work is done, by turns.
    pub(crate) drop_every: AtomicU64,
    /// Bytes of objects that were sent.
    pub(crate) sent: AtomicU64,
    /// Requests so far by their kind; those about leases apart, of which there are the more, the longer a command takes.
    pub(crate) requests: Mutex<BTreeMap<&'static str, u64>>,
    seen: AtomicU64,
}

/// What a request asks for, as stores bill it.
fn kind(method: &str, path: &str, query: &str) -> &'static str {
    match method {
        _ if path.ends_with("/.lock") => "lease",
        "GET" if query.contains("list-type") => "LIST",
        "GET" => "GET",
        "HEAD" => "HEAD",
        "DELETE" => "DELETE",
        // Objects are removed by lists of their keys.
        "POST" if query.split('&').any(|word| word.trim_end_matches('=') == "delete") => "DELETE",
        // Uploads are begun and completed with POST.
        _ => "PUT",
    }
}

/// The server; it stops when this is dropped.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    address: SocketAddr,
    pub(crate) faults: Arc<Faults>,
    _runtime: Runtime,
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let faults = Arc::new(Faults::default());
        let told = faults.clone();
        runtime.spawn(async move {
            let connections = Builder::new(TokioExecutor::new());
            while let Ok((socket, _)) = listener.accept().await {
                let (service, told) = (service.clone(), told.clone());
                let answer = service_fn(move |request: Request<Incoming>| {
                    let (service, told) = (service.clone(), told.clone());
                    async move {
                        let asked = kind(request.method().as_str(), request.uri().path(), request.uri().query().unwrap_or_default());
                        *told.requests.lock().unwrap().entry(asked).or_default() += 1;
                        let number = told.seen.fetch_add(1, Ordering::SeqCst) + 1;
                        let due = |every: &AtomicU64| {
                            let every = every.load(Ordering::SeqCst);
                            every > 0 && number % every == 0
                        };
                        if due(&told.refuse_every) {
                            let body = Body::from("<Error><Code>InternalError</Code><Message>told to refuse</Message></Error>".to_owned());
                            return Ok::<_, HttpError>(Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).body(body).unwrap());
                        }
                        let drop = due(&told.drop_every);
                        let gone = || HttpError::new(Box::new(std::io::Error::other("told to drop the connection")));
                        if drop && number % 2 == 0 {
                            return Err(gone());
                        }
                        let reading = request.method() == "GET";
                        // As at a real store, what was asked for is done whole even where who asked goes away meanwhile.
                        let answer = tokio::spawn(async move { service.call(request.map(Body::from)).await }).await.unwrap();
                        if drop {
                            return Err(gone());
                        }
                        if let (true, Ok(answer)) = (reading, &answer) {
                            let length = answer.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
                            told.sent.fetch_add(length.unwrap_or(0), Ordering::SeqCst);
                        }
                        answer
                    }
                });
                let connection = connections.serve_connection(TokioIo::new(socket), answer).into_owned();
                tokio::spawn(async move {
                    // A client that goes away is its own affair.
                    let _ = connection.await;
                });
            }
        });
        Self { folder, address, faults, _runtime: runtime }
    }

    /// Where the bucket's objects are kept.
    pub(crate) fn objects(&self) -> PathBuf {
        self.folder.path().join(BUCKET)
    }

    /// Tells a command how to reach the server.
    pub(crate) fn for_command<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env("AWS_ENDPOINT_URL", format!("http://{}", self.address))
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_REGION", "us-east-1")
    }
}
