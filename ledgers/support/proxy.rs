//! A proxy on the loopback, which cuts connections, or loses what the server replies.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The next reply is lost, and its connection with it.
    loses_reply: AtomicBool,
    is_closed: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub(crate) fn to(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if of_thread.is_closed.load(Ordering::SeqCst) {
                    return;
                }
                // Without a server, the client sees a connection that ends.
                if let Ok(server) = TcpStream::connect(("127.0.0.1", server)) {
                    of_thread.pass(client, server);
                }
            }
        });
        Proxy { port, shared }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        for connection in self.shared.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Lets the next request through, and cuts the connection when the server replies.
    pub(crate) fn lose_reply(&self) {
        self.shared.loses_reply.store(true, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::SeqCst);
        self.cut();
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn pass(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let ends = [client.try_clone().unwrap(), server.try_clone().unwrap()];
        self.connections.lock().unwrap().extend(ends);
        let requests = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || forward(requests.0, requests.1, || false));
        let shared = Arc::clone(self);
        thread::spawn(move || forward(server, client, || shared.loses_reply.swap(false, Ordering::SeqCst)));
    }
}

/// Copies until one end is closed, or until `ends_now` before a piece is passed on. Then closes both ends.
fn forward(mut from: TcpStream, mut to: TcpStream, ends_now: impl Fn() -> bool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if ends_now() || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
