"""Ports that stay a test's own while its nodes come and go."""
import random
import socket

_claims = []  # sockets of this process, for its life


def claimed(port):
    """Whether no other test has this port, and none will: its node may be away
    for a while."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0weir-test-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def free_port(host="127.0.0.1"):
    """For TCP and UDP, and none that the system gives to whoever asks for any,
    a client that waits for its node among them: a node that was away finds it
    free."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as ports:
        first = int(ports.read().split()[0])
    while True:
        port = random.randrange(max(first - 16384, 1024), first)
        try:
            with socket.socket() as tcp, \
                    socket.socket(type=socket.SOCK_DGRAM) as udp:
                tcp.bind((host, port))
                udp.bind((host, port))
        except OSError:
            continue
        if claimed(port):
            return port
