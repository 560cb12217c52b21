"""
A bare HTTPS server of one large file, as fast as OpenSSL: threads, and no Python in between.

``python -m benchmarks.imageserver CERTIFICATE MEGABYTES`` tells its port, and serves until killed.
"""

from __future__ import annotations

import os
import socket
import ssl
import sys
import threading

BLOCK = 1 << 20
ETAG = b'"one"'


def main(certificate: str, megabytes: int) -> None:
    """Serve for ever."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))
    block = os.urandom(BLOCK)
    print(listening.getsockname()[1], flush=True)
    while True:
        connection, _ = listening.accept()
        arguments = (context, connection, block, megabytes)
        threading.Thread(target=_serve, args=arguments, daemon=True).start()


def _serve(
    context: ssl.SSLContext, connection: socket.socket, block: bytes, megabytes: int
) -> None:
    try:
        with context.wrap_socket(connection, server_side=True) as line:
            head = b""
            while b"\r\n\r\n" not in head:
                part = line.recv(65536)
                if not part:
                    return
                head += part
            if b"if-none-match" in head.lower():
                line.sendall(b"HTTP/1.1 304 Not Modified\r\nETag: %b\r\n\r\n" % ETAG)
                return
            length = megabytes * BLOCK
            line.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nETag: %b\r\n\r\n" % (length, ETAG)
            )
            for _ in range(megabytes):
                line.sendall(block)
    except OSError:
        return  # whoever asked has gone


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
