//! An API server that has nothing but pods, as large as those of real clusters: what it sends costs it next to nothing, so
//! that time and memory are the cockpit's.

use std::{collections::HashMap, net::Ipv4Addr, sync::Arc, thread};

use axum::{
    Router,
    body::Body,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot};

use crate::pod;

/// Serves until it is dropped.
pub struct Heavy {
    pub kubeconfig: String,
    stop: Option<oneshot::Sender<()>>,
    _folder: tempfile::TempDir,
}

impl Heavy {
    pub fn serve(pods: usize) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || {
            let list = List { pods, pod: pod::json(0).to_string() };
            let router = Router::new().route("/api/v1/pods", get(answer)).with_state(Arc::new(list));
            runtime.block_on(async {
                tokio::select! {
                    served = axum::serve(listener, router) => served.expect("a server"),
                    _ = stopped => {}
                }
            });
        });
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: heavy\nclusters: [{{name: heavy, cluster: {{server: \"http://{address}\"}}}}]\n\
            users: [{{name: me, user: {{token: none}}}}]\ncontexts: [{{name: heavy, context: {{cluster: heavy, user: me}}}}]\n"
        );
        std::fs::write(&file, text).expect("a kubeconfig");
        Self { kubeconfig: file.display().to_string(), stop: Some(stop), _folder: folder }
    }
}

impl Drop for Heavy {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

struct List {
    pods: usize,
    /// The first of them; the others are alike but for their names and ids.
    pod: String,
}

/// A page of the list, or a watch in which nothing happens.
async fn answer(State(list): State<Arc<List>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    if query.contains_key("watch") {
        return (json, Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>())).into_response();
    }
    let number = |name: &str| query.get(name).map_or(Ok(0), |text| text.parse::<usize>());
    let (Ok(first), Ok(limit)) = (number("continue"), number("limit")) else { return StatusCode::BAD_REQUEST.into_response() };
    let end = if limit == 0 { list.pods } else { list.pods.min(first + limit) };
    let items: Vec<String> = (first..end)
        .map(|number| list.pod.replace("-00000\"", &format!("-{number:05}\"")).replace("-000000000000\"", &format!("-{number:012x}\"")))
        .collect();
    let next = if end < list.pods { end.to_string() } else { String::new() };
    let items = items.join(",");
    let page = format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"1","continue":"{next}"}},"items":[{items}]}}"#);
    (json, page).into_response()
}
