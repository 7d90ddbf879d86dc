"""A client's connection to the proxy, and the way of its requests and answers.

Each client's connection has one of its own to the server, and they live and die together, so that a client
sees the server's habits (keep-alive, closing) as if it were connected directly. Bodies pass through in the
pieces that arrive; the side that is too fast is told to pause.
"""

import asyncio

from tests.support.http_messages import (
    END_OF_HEAD,
    LARGEST_HEAD,
    Body,
    Head,
    MalformedMessageError,
    UntilCloseBody,
)
from tests.support.proxy_exchange import Exchange, error_answer, reset_soon
from tests.support.proxy_server_side import ServerConnection
from tests.support.proxy_state import ANSWERS, ProxyState


class ClientConnection(asyncio.Protocol):
    """A client's connection: reads requests, has the state decide, forwards."""

    def __init__(self, state: ProxyState, server_address: tuple[str, int]) -> None:
        self._state = state
        self._server_address = server_address
        self._transport: asyncio.Transport
        self._server: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._pending = b""
        self._holds: set[str] = set()
        self._dropped = False
        self._gone = False
        self._opening: asyncio.Task[None] | None = None

    # --- the client's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected; one that did so before it was killed is never listened to."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(transport)
        self._transport = transport
        self._dropped = self._state.dropping
        self._state.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request, or of several."""
        if self._dropped:
            return
        self._pending = self._pending + data if self._pending else data
        self._advance()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone: a request that the server has whole may finish, a part of one may not."""
        del exc
        self._gone = True
        self._state.connections.discard(self)
        self._leave_server()

    def pause_writing(self) -> None:
        """The client reads slower than the server writes."""
        if self._server is not None:
            self._server.pause_reading()

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._server is not None:
            self._server.resume_reading()

    def hold(self, reason: str) -> None:
        """Read no more from the client until every reason is released."""
        if not self._holds:
            self._transport.pause_reading()
        self._holds.add(reason)

    def release(self, reason: str) -> None:
        """Take one reason back."""
        if reason not in self._holds:
            return
        self._holds.discard(reason)
        if not self._holds:
            self._transport.resume_reading()

    def drop(self) -> None:
        """The client's process was killed. Its kernel closes the connection: read to its end, say nothing."""
        self._dropped = True
        self._pending = b""
        self._leave_server()
        self._holds.clear()
        self._transport.resume_reading()

    def _leave_server(self) -> None:
        exchange = self._exchange
        if self._server is None or exchange is None or not exchange.forwarded:
            if self._server is not None:
                self._server.close()
            self._exchange = None
        elif exchange.request_body.done:
            self._state.leave_behind(self)
            # It may have been paused for a reader that no longer reads.
            self._server.resume_reading()
        else:
            self._server.abort()
            self._exchange = None

    # --- requests

    def _advance(self) -> None:
        try:
            while self._pending and not self._dropped and "waiting" not in self._holds:
                exchange = self._exchange
                if exchange is None:
                    if not self._begin():
                        return
                elif exchange.request_body.done:
                    self.hold("answer first")
                    return
                else:
                    self._pass_request_body(exchange)
        except MalformedMessageError:
            self._transport.abort()

    def _begin(self) -> bool:
        end = self._pending.find(END_OF_HEAD)
        if end < 0:
            if len(self._pending) > LARGEST_HEAD:
                raise MalformedMessageError
            return False
        end += len(END_OF_HEAD)
        head = Head.parse(self._pending[:end])
        self._pending = self._pending[end:]
        exchange = Exchange(head, *self._state.begin(head))
        action = exchange.action
        if action is not None and exchange.kind == "kill_before":
            self._state.kill(action)
            return False
        if action is not None and exchange.kind == "refuse":
            self._state.refuse(action)
            return False
        self._exchange = exchange
        if exchange.kind == "status":
            if exchange.request_body.done or head.waits_for_continue:
                self._refuse(exchange)
        elif action is not None and exchange.kind == "delay":
            self.hold("waiting")
            asyncio.get_running_loop().call_later(action.seconds, self._forward_head, exchange)
        else:
            self._forward_head(exchange)
        return True

    def _forward_head(self, exchange: Exchange) -> None:
        if self._dropped or self._gone:
            return
        if self._server is None:
            self.hold("waiting")
            self._opening = asyncio.get_running_loop().create_task(self._open_server(exchange))
            return
        exchange.forwarded = True
        self._server.write(exchange.head.raw)
        if "waiting" in self._holds:
            self.release("waiting")
            self._advance()

    async def _open_server(self, exchange: Exchange) -> None:
        loop = asyncio.get_running_loop()
        try:
            server, _ = await loop.create_connection(lambda: ServerConnection(self), *self._server_address)
        except OSError:
            # As if the client had met the absent server itself.
            self._transport.abort()
            return
        if self._dropped or self._gone:
            server.abort()
            return
        self._server = server
        self._forward_head(exchange)

    def _pass_request_body(self, exchange: Exchange) -> None:
        count = exchange.request_body.take(self._pending)
        piece, self._pending = self._pending[:count], self._pending[count:]
        exchange.record.bytes_in += count
        if exchange.kind == "status":
            if exchange.request_body.done:
                self._refuse(exchange)
            return
        if self._server is not None:
            self._server.write(piece)
        if exchange.request_body.done and exchange.answered:
            self._finish()

    # --- answers

    def answer_received(self, data: bytes) -> None:
        """Bytes of the server's answer."""
        exchange = self._exchange
        if exchange is None:
            # An answer that nobody asked for: servers announce so that they give an idle connection up.
            self._transport.close()
            return
        try:
            if exchange.answer_body is None:
                self._pass_answer_head(exchange, data)
            else:
                self._pass_answer_body(exchange, exchange.answer_body, b"", data)
        except MalformedMessageError:
            self.server_lost()

    def _pass_answer_head(self, exchange: Exchange, data: bytes) -> None:
        data = exchange.partial_answer_head + data
        while True:
            end = data.find(END_OF_HEAD)
            if end < 0:
                exchange.partial_answer_head = data
                return
            end += len(END_OF_HEAD)
            head = Head.parse(data[:end])
            data = data[end:]
            if head.status >= 200:
                break
            # 100 Continue is no answer yet: without it the client would never send its body.
            exchange.continued = True
            if not self._dropped:
                self._transport.write(head.raw)
        exchange.record.status = head.status
        exchange.answer_body = body = head.answer_body(exchange.head.start[0])
        exchange.place(body)
        self._pass_answer_body(exchange, body, head.raw, data)

    def _pass_answer_body(self, exchange: Exchange, body: Body, head: bytes, data: bytes) -> None:
        count = body.take(data)
        piece = data if count == len(data) else data[:count]
        exchange.record.bytes_out += count
        piece = exchange.altered(piece)
        if exchange.kind == "drip":
            exchange.held += head + piece
        elif not exchange.silent and not self._dropped and not self._gone:
            self._transport.write(head + piece if head else piece)
        if exchange.cuts and exchange.bytes_until_cut <= 0:
            self._cut(exchange)
        elif body.done:
            self._answer_complete(exchange)

    def _answer_complete(self, exchange: Exchange) -> None:
        exchange.answered = True
        if exchange.action is not None and exchange.kind == "kill_after":
            self._exchange = None
            # The client may have given the request up: then nobody else would say that it is answered.
            self._state.settle(self)
            if self._gone and self._server is not None:
                self._server.close()
            self._state.kill(exchange.action)
            return
        if exchange.kind == "lost_reply":
            self._refuse(exchange)
            return
        if exchange.kind == "cut_reply":
            self._cut(exchange)
            return
        if exchange.action is not None and exchange.kind == "drip":
            self._drip(exchange, exchange.action.seconds)
        refused_unread = (
            exchange.head.waits_for_continue and not exchange.continued and not exchange.record.bytes_in
        )
        if exchange.request_body.done or refused_unread:
            self._finish()

    def _refuse(self, exchange: Exchange) -> None:
        code = exchange.action.code if exchange.action is not None else "SlowDown"
        exchange.record.status = ANSWERS[code]
        ended = exchange.request_body.done
        if not self._dropped and not self._gone:
            self._transport.write(error_answer(exchange.head.start[0], code, keep_alive=ended))
        self._finish()
        if not ended:
            # Whether the client still sends its body cannot be known: this connection ends here.
            self._transport.close()

    def _finish(self) -> None:
        self._exchange = None
        self._state.settle(self)
        if self._dropped or self._gone:
            if self._server is not None:
                self._server.close()
            return
        if "answer first" in self._holds:
            self.release("answer first")
            asyncio.get_running_loop().call_soon(self._advance)

    def _cut(self, exchange: Exchange) -> None:
        self._exchange = None
        if self._server is not None:
            self._server.abort()
            self._server = None
        self._dropped = True
        self._state.settle(self)
        if exchange.kind == "truncate":
            # An orderly end, as if nothing were missing.
            self._transport.close()
        else:
            reset_soon(self._transport)

    def _drip(self, exchange: Exchange, seconds: float) -> None:
        """Give the answer in pieces; the client asks for nothing else before it has the last one."""
        loop = asyncio.get_running_loop()
        for number, piece in enumerate(exchange.pieces(), start=1):
            loop.call_later(number * seconds, self._give, piece)

    def _give(self, piece: bytes) -> None:
        if not self._dropped and not self._gone:
            self._transport.write(piece)

    def abort(self) -> None:
        """Break both sides."""
        self._leave_server()
        self._dropped = True
        reset_soon(self._transport)

    def server_lost(self) -> None:
        """The server closed its side: finish an answer that ends so, and close the client's side too."""
        exchange, self._exchange = self._exchange, None
        self._server = None
        self._state.settle(self)
        if exchange is not None and isinstance(exchange.answer_body, UntilCloseBody):
            self._answer_complete(exchange)
        if not self._dropped:
            self._transport.close()
