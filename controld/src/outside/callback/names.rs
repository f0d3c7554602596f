//! The one look-up of a host's name, and the fake that tests answer with.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::{Guard, Refusal};

/// Asked for a host's addresses, once per request.
pub(super) trait Names: Send + Sync + 'static {
    fn addresses(&self, host: String) -> Answering;
}

pub(super) type Answering = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// The system's resolver.
pub(super) struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, host: String) -> Answering {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// What the connection is given: addresses that have been judged, all of them, or none.
pub(super) struct GuardedNames {
    pub(super) guard: Arc<Guard>,
    pub(super) names: Arc<dyn Names>,
}

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.guard.clone();
        let host = name.as_str().to_owned();
        let asked = self.names.addresses(host.clone());
        Box::pin(async move {
            let addresses = asked.await.map_err(|_| Refusal::Lookup)?;
            guard.judge_answer(&host, &addresses)?;
            // Port 0: the url's port is put in.
            let judged = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(judged) as Addrs)
        })
    }
}

/// Answers what the test says, in turn, and counts.
#[cfg(test)]
pub(super) struct SaidNames {
    pub(super) answers: std::sync::Mutex<std::collections::VecDeque<Vec<IpAddr>>>,
    pub(super) asked: std::sync::atomic::AtomicUsize,
}

#[cfg(test)]
impl Names for SaidNames {
    fn addresses(&self, _host: String) -> Answering {
        self.asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let next = self.answers.lock().unwrap().pop_front().unwrap_or_default();
        Box::pin(async move { Ok(next) })
    }
}
