"""A server around h11: one thread for each connection, no event loop. It listens on its standard input."""

import contextlib
import socket
import sys
import threading

import h11


def serve(client):
    connection = h11.Connection(h11.SERVER)
    send = lambda event: client.sendall(connection.send(event) or b"")
    with client, contextlib.suppress(OSError):  # A client may leave.
        try:
            while answer(client, connection, send):
                connection.start_next_cycle()
        except h11.RemoteProtocolError as error:
            if connection.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
                send(h11.Response(status_code=error.error_status_hint, headers=[("content-length", "0")]))
                send(h11.EndOfMessage())


def answer(client, connection, send):
    """Answers a request; whether there may be another one."""
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                send(h11.InformationalResponse(status_code=100, headers=[]))
            connection.receive_data(client.recv(65536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            break
        else:
            return False
    trailers = [name + b": " + value for name, value in event.headers]
    account = "".join(part.hex() + "." for part in [request.method, request.target, body, *trailers])
    status = 405 if request.method == b"CONNECT" else 200
    send(h11.Response(status_code=status, headers=[("understood", account), ("content-length", "0")]))
    send(h11.EndOfMessage())
    return connection.our_state is h11.DONE and connection.their_state is h11.DONE


listener = socket.socket(fileno=sys.stdin.fileno())
while True:
    threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()
