"""The symptoms of a request that got no answer of S3's: name, connection, TLS, proxy, time."""

from __future__ import annotations

import re

from s3_assets.connection.symptom import Symptom
from s3_assets.errors import LocalDiskError, RequestTimeoutError, UnreachableError

UNREACHABLE = Symptom(
    UnreachableError,
    "nobody answers at the endpoint",
    "Check the endpoint's host and port, and that the server runs.",
)
DISK_FULL = Symptom(
    LocalDiskError,
    "the disk of this machine takes no more",
    "Make room, or set TMPDIR to a folder on a larger disk, and run it again.",
)
CUT_OFF = Symptom(
    UnreachableError,
    "the connection was closed before an answer came",
    "Run it again; if it stays, check the endpoint's port and what stands between.",
)
TOO_SLOW = Symptom(
    RequestTimeoutError,
    "the server did not answer in time",
    "Check the network, or raise transport.connect_timeout and transport.read_timeout.",
)
NO_SUCH_HOST = Symptom(
    UnreachableError,
    "the name of the endpoint's host is unknown",
    "Check the endpoint's host name, and this machine's name server.",
)
UNKNOWN_AUTHORITY = Symptom(
    UnreachableError,
    "the server's certificate is signed by an authority that is not trusted here",
    "Set tls.ca_bundle to the file with that authority's certificate.",
)
OTHER_HOST = Symptom(
    UnreachableError,
    "the server's certificate is for another host",
    "Write the endpoint with a host name that the certificate names.",
)
CERTIFICATE_AGE = Symptom(
    UnreachableError,
    "the server's certificate has expired, or is not valid yet",
    "Have it renewed; if it is good, set this machine's clock.",
)
CLIENT_CERTIFICATE = Symptom(
    UnreachableError,
    "the server demands a client certificate",
    "Set tls.client_certificate, and tls.client_key if its key is in another file.",
)
CLIENT_CERTIFICATE_REFUSED = Symptom(
    UnreachableError,
    "the server does not accept the client certificate",
    "Set tls.client_certificate to one of an authority that the server trusts, and that has not expired.",
)
SPEAKS_PLAIN_HTTP = Symptom(
    UnreachableError,
    "the server speaks plain http at that port, and the endpoint says https",
    "Write http:// in the endpoint, or the port where the server speaks TLS.",
)
SPEAKS_TLS = Symptom(
    UnreachableError,
    "the server speaks TLS at that port, and the endpoint says http",
    "Write https:// in the endpoint.",
)
TLS_FAILED = Symptom(
    UnreachableError,
    "no TLS connection to the server",
    "Check tls.ca_bundle and tls.client_certificate, and what the server asks for.",
)
PROXY_PASSWORD = Symptom(
    UnreachableError,
    "the proxy demands a user and password, or another one",
    "Check proxy.username and proxy.password.",
)
PROXY_UNREACHABLE = Symptom(
    UnreachableError,
    "the proxy cannot be reached",
    "Check proxy.host, proxy.port and proxy.protocol; hosts in proxy.non_proxy_hosts are reached without it.",
)
PROXY_REFUSED = Symptom(
    UnreachableError,
    "the proxy does not let requests through to the server, or cannot reach it",
    "Check proxy.username and proxy.password, and what the proxy allows; hosts in proxy.non_proxy_hosts are "
    "reached without it.",
)
GATEWAY_FAILED = Symptom(
    UnreachableError,
    "a gateway or proxy on the way could not reach the server",
    "Check that the server runs, and what stands between.",
)

# What nginx, Apache and Go answer to plain http at a port of TLS.
SPEAKS_TLS_ANSWER = re.compile(
    r"plain HTTP request was sent to HTTPS port|plain HTTP to an SSL-enabled server|"
    r"HTTP request to an HTTPS server",
    re.IGNORECASE,
)
# In order: the special before the general; a failed connection may also read "timed out". Python's ssl and
# urllib3, and rustls and hyper, in their texts and in what Rust prints for debugging.
_WORDS = {
    # Of this machine: what a server says of its own disk comes with an answer.
    DISK_FULL: (
        "no space left on device",
        "disk quota exceeded",
        r"os error (?:27|28|122)\b",
        r"\[Errno (?:27|28|122)\]",
    ),
    PROXY_PASSWORD: (
        "ProxyAuthRequired",
        "proxy authorization required",
        "Tunnel connection failed: 40[17]",
        "407 Proxy Authentication Required",
        r"proxy on the way to \S+ refuses its user",
    ),
    PROXY_REFUSED: (r"tunnel error[\s:]*unsuccessful", "TunnelUnsuccessful", "Tunnel connection failed"),
    PROXY_UNREACHABLE: (
        "ProxyConnectionError",
        "unable to connect to proxy",
        "cannot connect to proxy",
        "proxy gave no way",
    ),
    SPEAKS_PLAIN_HTTP: ("WRONG_VERSION_NUMBER", "InvalidContentType"),
    CLIENT_CERTIFICATE: ("CertificateRequired", "certificate[ _]required", "did not return a certificate"),
    CLIENT_CERTIFICATE_REFUSED: (
        r"AlertReceived\(\s*\w*(?:Certificate|UnknownCA|AccessDenied)",
        r"alert[\s_:]*(?:bad|unsupported|revoked|expired)[\s_]?certificate",
        r"alert[\s_:]*certificate[\s_]?(?:expired|unknown|revoked)",
        r"alert[\s_:]*(?:unknown[\s_]?ca|access[\s_]?denied)",
    ),
    UNKNOWN_AUTHORITY: (
        "UnknownIssuer",
        r"unable to (?:get|verify) [\w ]*(?:issuer|first) certificate",
        "self[- ]signed certificate",
        "CaUsedAsEndEntity",
    ),
    OTHER_HOST: (
        "NotValidForName",
        "not valid for (?:any )?name",
        r"hostname\W.*?match",
        "certificate is not valid for",
        "(?:hostname|IP address) mismatch",
    ),
    CERTIFICATE_AGE: (
        "certificate (?:has )?expired",
        "certificate (?:is )?not (?:yet )?valid (?:yet|before|after)?",
        r"InvalidCertificate\(\s*(?:Expired|NotValidYet)",
    ),
    TLS_FAILED: (
        "certificate[ _]verify[ _]failed",
        "invalid peer certificate",
        "InvalidCertificate",
        "SSLError",
        "AlertReceived",
        "received fatal alert",
        "handshake[ _]?failure",
        r"\bTLS with\b",
    ),
    NO_SUCH_HOST: (
        "dns error",
        "name or service not known",
        "failed to lookup address",
        "nodename nor servname",
        "NameResolutionError",
        "name resolution",
    ),
    UNREACHABLE: (
        "connection ?refused",
        "no route to host",
        "network is unreachable",
        "EndpointConnectionError",
        "could not connect to the endpoint",
    ),
    TOO_SLOW: (
        "timed out",
        r"\bTimedOut\b",
        "TimeoutError",
        "kind: Timeout",
        "read timeout",
        "connect timeout",
    ),
    CUT_OFF: (
        "connection ?(?:reset|aborted)",
        "connection (?:was )?closed",
        "broken ?pipe",
        "unexpected ?eof",
        "incomplete ?message",
        "SendRequest",
        "IncompleteRead",
        "ProtocolError",
        "connection error",
    ),
}
# What object_store says whenever it got no answer.
_NO_ANSWER = (r"client error \(Connect\)", r"kind: Connect\b", "error sending request")
NETWORK_WORDS = tuple(
    (re.compile("|".join(words), re.IGNORECASE), symptom)
    for symptom, words in (*_WORDS.items(), (UNREACHABLE, _NO_ANSWER))
)
