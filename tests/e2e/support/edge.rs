//! Real proxies that end TLS in front of a server, as the edge of a host does.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use client::ClientBuilder;
use tempfile::TempDir;

use super::certificate::Certificate;
use super::program::{Program, find, listen};

/// A proxy before a server. Its buffers and times are those that its makers set.
pub(crate) struct Edge {
    // Dropped in this order: first the program, then its folder.
    program: Program,
    _folder: TempDir,
    certificate: Certificate,
    reload: &'static str,
    /// Where clients find it.
    pub(crate) address: SocketAddr,
}

impl Edge {
    /// Puts nginx before a server, with the lines that nginx.org/en/docs/http/websocket.html gives.
    pub(crate) fn nginx(server: SocketAddr) -> Self {
        Self::start("-HUP", |folder, edge| {
            let configuration = format!(
                "daemon off;
                worker_processes 1;
                pid nginx.pid;
                error_log stderr;
                # The old workers end soon after a reload, and with them their connections.
                worker_shutdown_timeout 100ms;
                events {{}}
                http {{
                    access_log off;
                    client_body_temp_path body;
                    proxy_temp_path proxy;
                    fastcgi_temp_path fastcgi;
                    uwsgi_temp_path uwsgi;
                    scgi_temp_path scgi;
                    map $http_upgrade $connection_upgrade {{
                        default upgrade;
                        '' close;
                    }}
                    server {{
                        listen 0.0.0.0:{port} ssl;
                        ssl_certificate site.crt;
                        ssl_certificate_key site.key;
                        location / {{
                            proxy_pass http://{server};
                            proxy_http_version 1.1;
                            proxy_set_header Upgrade $http_upgrade;
                            proxy_set_header Connection $connection_upgrade;
                            proxy_set_header Host $host;
                            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        }}
                    }}
                }}\n",
                port = edge.port()
            );
            write(folder, "nginx.conf", &configuration);
            let mut command = Command::new(find("nginx"));
            command
                .arg("-p")
                .arg(folder)
                .args(["-c", "nginx.conf", "-e", "stderr"])
                // The listening socket, as nginx hands it to its next version.
                .env("NGINX", "3;");
            command
        })
    }

    /// Puts `HAProxy` before a server, which passes WebSockets on without being told to.
    pub(crate) fn haproxy(server: SocketAddr) -> Self {
        Self::start("-USR2", |folder, _| {
            let configuration = format!(
                "global
                    # The old worker ends soon after a reload, and with it its connections.
                    hard-stop-after 100ms
                defaults
                    mode http
                    timeout connect 5s
                    timeout client 30s
                    timeout server 30s
                    timeout tunnel 1h
                frontend edge
                    bind fd@3 ssl crt {site}
                    option forwardfor
                    default_backend tunnel
                backend tunnel
                    server tunnel {server}\n",
                site = folder.join("site.pem").display()
            );
            write(folder, "haproxy.cfg", &configuration);
            let mut command = Command::new(find("haproxy"));
            command.args(["-W", "-f"]).arg(folder.join("haproxy.cfg"));
            command
        })
    }

    fn start(reload: &'static str, configure: impl FnOnce(&Path, SocketAddr) -> Command) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let certificate = Certificate::make();
        let Certificate { chain, key, .. } = &certificate;
        write(folder.path(), "site.crt", chain);
        write(folder.path(), "site.key", key);
        write(folder.path(), "site.pem", &format!("{chain}{key}"));
        let (listener, address) = listen();
        let command = configure(folder.path(), address);
        Self {
            program: Program::start(&command, listener),
            _folder: folder,
            certificate,
            reload,
            address,
        }
    }

    /// Makes it read its configuration again, which other processes of it then serve.
    pub(crate) fn reload(&self) {
        self.program.signal(self.reload);
    }

    /// Sends a client there.
    pub(crate) fn reached_by(&self, client: ClientBuilder) -> ClientBuilder {
        self.reached_as(client, &self.address.to_string())
    }

    /// Sends a client there by another name of this machine.
    pub(crate) fn reached_as(&self, client: ClientBuilder, authority: &str) -> ClientBuilder {
        let address = format!("https://{authority}");
        client
            .server(address.parse().expect("an address"))
            .tls(self.certificate.trust.clone())
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("a file is written");
}
