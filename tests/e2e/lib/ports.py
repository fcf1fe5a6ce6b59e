"""Ports that stay a test's own while its nodes come and go."""
import random
import socket

TRIES = 1000

_claims = []  # sockets of this process, for its life


def claimed(port):
    """Whether no other test has this port, and none will: its node may be away
    for a while. Who has it listens at the one behind it, which any language's
    sockets can do, and which ends with the process."""
    claim = socket.socket()
    try:
        claim.bind(("127.0.0.1", port + 1))
        claim.listen()
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
        end = int(ports.read().split()[0])
    first = max(end - 16384, 1024)
    for _ in range(TRIES):
        port = first + 2 * random.randrange((end - first) // 2)
        try:
            with socket.socket() as tcp, \
                    socket.socket(type=socket.SOCK_DGRAM) as udp:
                tcp.bind((host, port))
                udp.bind((host, port))
        except OSError:
            continue
        if claimed(port):
            return port
    raise RuntimeError(f"no free port among {TRIES} from {first} to {end}")
